# The two commands are `make demo` and `make test`. Everything else is for people who change Sealift.
PRESET ?= dev
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc)
CTEST := ctest --output-on-failure --no-tests=error -j $(JOBS)
FUZZ_SECONDS ?= 60

.PHONY: guest-pef demo test test-dev test-sanitizers build dependencies guest firmware bench fuzz format lint clean

# What protects the guest in the demo: measured or sev.
TEE ?= measured
demo: build guest $(if $(filter sev,$(TEE)),firmware)
	@$(BUILD)/bin/sealift demo --tee $(TEE)

test: test-dev test-sanitizers

# Everything, against the real parts: TPM, disk, kernel, QEMU.
test-dev: build guest firmware
	@cd $(BUILD) && $(CTEST)

# The unit and component tests again, of the parts that CMakeLists.txt names, under ASan and UBSan.
test-sanitizers:
	@$(MAKE) --no-print-directory build PRESET=asan-ubsan
	@cd build/asan-ubsan && $(CTEST) -L 'unit|component'

build: dependencies
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET) >/dev/null
	@ninja -C $(BUILD) --quiet

dependencies:
	@tools/install-dependencies

# A Debian root file system and kernel to seal, made once and kept under ~/.cache/sealift.
guest: dependencies
	@guest/fetch-debian

# The firmware of SEV guests, built once and kept there too.
firmware: dependencies
	@guest/firmware/build-amdsev

# A kernel and user space of PEF guests, made once and kept there too.
guest-pef: dependencies
	@guest/ppc64le/fetch-debian
	@guest/ppc64le/build-kernel

bench: build
	@bench/run $(BUILD)

fuzz: dependencies
	@fuzz/run $(FUZZ_SECONDS)

format: dependencies
	@tools/format

lint: build
	@tools/lint $(BUILD)

clean:
	@rm -rf build
