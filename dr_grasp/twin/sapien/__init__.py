"""The twin's world in SAPIEN, whose contacts are those of PhysX, on the CPU.

It is the only place that imports SAPIEN, which is in the extra `twin` of the package.
"""

import warnings

# It warns when it is loaded that it brings its own Vulkan. Nothing here draws.
warnings.filterwarnings("ignore", "Failed to find", module=r"sapien\._vulkan_tricks")
