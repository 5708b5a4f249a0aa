# Finds oneDNN 2.6 or newer, including 3.x, and defines mica::onednn. Installed, for the package's users.
#
# oneDNN ships a package config, but Debian's demands the OpenCL development files of everyone and links OpenCL into
# every program, for a GPU engine that is not used here. A shared library needs nothing but its path; the config is
# the way to a static one, which brings dependencies of its own (vcpkg).
find_path(OneDNN_INCLUDE_DIR dnnl.hpp)
find_library(OneDNN_LIBRARY dnnl)
mark_as_advanced(OneDNN_INCLUDE_DIR OneDNN_LIBRARY)

if(OneDNN_INCLUDE_DIR)
  foreach(header oneapi/dnnl/dnnl_version.h dnnl_version.h)
    if(EXISTS "${OneDNN_INCLUDE_DIR}/${header}" AND NOT OneDNN_VERSION)
      file(STRINGS "${OneDNN_INCLUDE_DIR}/${header}" lines REGEX "define DNNL_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
      list(TRANSFORM lines REPLACE "[^0-9]+([0-9]+).*" "\\1")
      list(JOIN lines "." OneDNN_VERSION)
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  OneDNN
  REQUIRED_VARS OneDNN_LIBRARY OneDNN_INCLUDE_DIR
  VERSION_VAR OneDNN_VERSION
  REASON_FAILURE_MESSAGE "install libdnnl-dev (Debian, Ubuntu) or onednn (vcpkg)")

if(OneDNN_FOUND AND NOT TARGET mica::onednn)
  if(OneDNN_LIBRARY MATCHES "\\.(so|dylib)")
    add_library(mica::onednn SHARED IMPORTED GLOBAL)
    set_target_properties(mica::onednn PROPERTIES IMPORTED_LOCATION "${OneDNN_LIBRARY}"
                                                  INTERFACE_INCLUDE_DIRECTORIES "${OneDNN_INCLUDE_DIR}")
  else()
    find_package(dnnl CONFIG REQUIRED)
    add_library(mica::onednn INTERFACE IMPORTED GLOBAL)
    target_link_libraries(mica::onednn INTERFACE DNNL::dnnl)
  endif()
endif()
