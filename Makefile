# The two commands are `make demo` and `make test`. Everything else is for people who change Sealift.
PRESET ?= dev
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc)
CTEST := ctest --output-on-failure --no-tests=error -j $(JOBS)
FUZZ_SECONDS ?= 60

.PHONY: demo test test-dev test-sanitizers build dependencies guest guest-measured guest-sev guest-pef firmware bench fuzz format lint clean

# What protects the guest in the demo: measured, pef or sev.
TEE ?= measured
demo: build guest-$(TEE)
	@$(BUILD)/bin/sealift demo --tee $(TEE)

test: test-dev test-sanitizers

# Everything, against the real parts: TPM, disk, kernel, QEMU.
test-dev: build guest firmware
	@cd $(BUILD) && $(CTEST)

# The unit and component tests again, under ASan and UBSan.
test-sanitizers:
	@$(MAKE) --no-print-directory build PRESET=asan-ubsan
	@cd build/asan-ubsan && $(CTEST) -L 'unit|component'

build: dependencies
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET) >/dev/null
	@ninja -C $(BUILD) --quiet

dependencies:
	@tools/install-dependencies

# Debian root file systems and kernels to seal, made once and kept under ~/.cache/sealift.
guest: guest-measured guest-pef

guest-measured: dependencies
	@guest/fetch-debian

guest-pef: dependencies
	@guest/ppc64le/fetch-debian
	@guest/ppc64le/build-kernel

guest-sev: guest-measured firmware

# The firmware of SEV guests, built once and kept there too.
firmware: dependencies
	@guest/firmware/build-amdsev

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
