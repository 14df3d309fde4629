"""Tools for all other packages: files, settings, folders, resources. They do not know grasps."""
