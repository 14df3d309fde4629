"""Which doubt about the simulated world breaks a grasp."""
