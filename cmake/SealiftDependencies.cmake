# Every library Sealift links, in one place. docs/dependencies.md says why each is here.
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(Protobuf REQUIRED)
include(GoogleTest)

foreach(module tss2-mu tss2-tctildr libcryptsetup libarchive ext2fs com_err libelf libcurl expat sqlite3 libpq p11-kit-1 prometheus-cpp-core)
  string(MAKE_C_IDENTIFIER ${module} name)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
endforeach()

# libfdt ships no pkg-config file in Debian.
find_library(SEALIFT_LIBFDT fdt REQUIRED)
