# `cmake --install BUILD --prefix /usr --strip`: what people type and what units start in bin/, what those start in
# libexec/sealift, and the units.
foreach(program sealift sealift-image-build sealift-frontend sealift-orchestrator sealift-sm sealift-agent)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION bin)
  endif()
endforeach()
foreach(program sealift-ultravisor sealift-emulator sealift-unlock)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION libexec/sealift)
  endif()
endforeach()
install(DIRECTORY packaging/ DESTINATION lib/systemd/system FILES_MATCHING PATTERN "*.service" PATTERN "*.conf")
install(FILES packaging/sealift.sysusers DESTINATION lib/sysusers.d RENAME sealift.conf)
