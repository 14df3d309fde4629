"""What every room may use: files, settings, places, closing; knows nothing of grasps."""
