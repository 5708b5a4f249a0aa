# `cmake --install`: the library, its public headers and the package for find_package(mica).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/mica")

install(TARGETS mica EXPORT mica-targets FILE_SET HEADERS)
install(EXPORT mica-targets NAMESPACE mica:: DESTINATION "${package_dir}")

get_target_property(library_type mica TYPE)
configure_package_config_file(cmake/mica-config.cmake.in mica-config.cmake INSTALL_DESTINATION "${package_dir}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(mica-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/mica-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/mica-config-version.cmake"
              cmake/FindOneDNN.cmake cmake/openmp_runtime.cmake
        DESTINATION "${package_dir}")
