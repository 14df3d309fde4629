"""Controls an arm and its hand through the actions of their controllers."""
