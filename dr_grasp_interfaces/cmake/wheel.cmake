# A ROS installation announces itself through environment variables and has every
# folder its targets name. The ROS 2 wheels do neither. This file makes up for both, so
# that CMakeLists.txt stays what colcon expects; only the wheel build includes it.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

# The module is looked up, not imported: inside an isolated build its own imports may fail.
execute_process(
  COMMAND "${Python3_EXECUTABLE}" -c
    "import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec('ament_package').origin).parents[4].as_posix())"
  OUTPUT_VARIABLE _ros_prefix
  OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
list(PREPEND CMAKE_PREFIX_PATH "${_ros_prefix}")
set(ENV{AMENT_PREFIX_PATH} "${_ros_prefix}")

# The Python libraries of the message wheels name an include folder of the machine they
# were built on, and CMake refuses targets whose include folders do not exist. Nothing
# includes a header from there. It has to wait for the end of the directory, because
# the targets only appear with the find_package calls of CMakeLists.txt.
function(_drop_missing_include_folders)
  get_property(_targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  list(FILTER _targets INCLUDE REGEX "__rosidl_generator_py$")
  foreach(_target IN LISTS _targets)
    set_property(TARGET "${_target}" PROPERTY INTERFACE_INCLUDE_DIRECTORIES "")
  endforeach()
endfunction()
cmake_language(DEFER CALL _drop_missing_include_folders)
