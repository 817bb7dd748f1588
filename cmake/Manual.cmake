# Manual pages and completion come out of the program's own option tables: build/share, installed as it is. A program for
# another machine can't be asked: then there are none.
if(NOT CMAKE_CROSSCOMPILING AND NOT SOMA_FULLY_STATIC)
  file(STRINGS cli/commands.h command_lines REGEX "command_[a-z]+[,;]")
  string(REGEX MATCHALL "command_[a-z]+" command_names "${command_lines}")
  set(share "${PROJECT_BINARY_DIR}/share")
  set(manual "${share}/man/man1/soma.1")
  add_custom_command(OUTPUT ${share}/man/man1/soma.1
    COMMAND ${CMAKE_COMMAND} -E make_directory ${share}/man/man1
    COMMAND soma --man > ${share}/man/man1/soma.1 VERBATIM)
  foreach(name IN LISTS command_names)
    string(REPLACE "command_" "" name "${name}")
    set(page "${share}/man/man1/soma-${name}.1")
    add_custom_command(OUTPUT ${page} COMMAND soma --man ${name} > ${page} DEPENDS ${share}/man/man1/soma.1 VERBATIM)
    list(APPEND manual ${page})
  endforeach()
  set(completion_bash "${share}/bash-completion/completions/soma")
  set(completion_zsh "${share}/zsh/site-functions/_soma")
  add_custom_command(OUTPUT ${completion_bash} ${completion_zsh}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${share}/bash-completion/completions ${share}/zsh/site-functions
    COMMAND soma --completion bash > ${completion_bash}
    COMMAND soma --completion zsh > ${completion_zsh} VERBATIM)
  add_custom_target(soma_manual ALL DEPENDS ${manual} ${completion_bash} ${completion_zsh})

  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${completion_bash} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${completion_zsh} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()
