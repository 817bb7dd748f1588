# make install: headers, both libraries, the command, a pkg-config file and a CMake package (soma::soma, soma::soma_static).
include(CMakePackageConfigHelpers)
list(JOIN soma_private_libraries " " soma_private_text)
list(REMOVE_DUPLICATES soma_private_libraries)
configure_file(cmake/soma.pc.in soma.pc @ONLY)
configure_package_config_file(cmake/somaConfig.cmake.in somaConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/soma PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(somaConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(FILES ${public_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/soma)
install(TARGETS soma_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/libsoma.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/soma.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_BINARY_DIR}/somaConfig.cmake ${PROJECT_BINARY_DIR}/somaConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/soma)
if(TARGET soma_onednn)
  install(TARGETS soma_onednn LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/soma)
endif()
if(TARGET soma)
  install(TARGETS soma RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/soma/data) # soma train iris
  include(cmake/Manual.cmake)
endif()
