// SPDX-License-Identifier: Apache-2.0
#include "emulator/sev/vm.h"

#include <fmt/core.h>

#include <charconv>
#include <functional>
#include <map>

namespace sealift::emulator {
namespace {

/// "a,b=c" as {{"", "a"}, {"b", "c"}}; QEMU writes a comma within a value twice.
std::vector<std::pair<std::string, std::string>> properties(const std::string& text) {
  std::vector<std::string> parts{""};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      parts.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      parts.back() += text[i++];
    } else {
      parts.emplace_back();
    }
  }
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& part : parts) {
    const auto equals = part.find('=');
    if (equals == std::string::npos)
      out.emplace_back("", part);
    else
      out.emplace_back(part.substr(0, equals), part.substr(equals + 1));
  }
  return out;
}

tl::unexpected<Error> bad(const std::string& option, const std::string& why) {
  return fail(ErrorCode::invalid_argument, option + " " + why, option);
}

Result<std::uint64_t> number(const std::string& text, const std::string& option, int base = 10) {
  std::uint64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || stop != end) return bad(option, "wants a number, not " + text);
  return value;
}

/// Decimal, or hexadecimal behind 0x.
Result<std::uint32_t> policy_number(const std::string& text) {
  const bool hex = text.starts_with("0x");
  SEALIFT_TRY(const auto value, number(hex ? text.substr(2) : text, "policy", hex ? 16 : 10));
  if (value > 0xFFFFFFFF) return bad("policy", "has 32 bits");
  return static_cast<std::uint32_t>(value);
}

Status read_sev_object(const std::string& value, Vm& vm) {
  SevObject object;
  for (const auto& [name, text] : properties(value)) {
    if (name == "policy") {
      SEALIFT_TRY(const auto policy, policy_number(text));
      object.policy = sev::Policy{policy};
    } else if (name == "dh-cert-file") {
      object.godh = text;
    } else if (name == "session-file") {
      object.session = text;
    } else if (name == "kernel-hashes") {
      object.kernel_hashes = text == "on";
    } else if (name != "" && name != "id" && name != "cbitpos" && name != "reduced-phys-bits") {
      return bad("sev-guest", "has no property " + name);
    }
  }
  if (object.godh.empty() || object.session.empty())
    return fail(ErrorCode::unsupported, "a launch without dh-cert-file and session-file proves nothing",
                "sev-guest");
  vm.sev = object;
  return {};
}

Status read_object(const std::string& value, Vm& vm) {
  if (value.starts_with("sev-guest,")) return read_sev_object(value, vm);
  vm.passed.insert(vm.passed.end(), {"-object", value});
  return {};
}

Status read_machine(const std::string& value, Vm& vm) {
  const auto parts = properties(value);
  const auto& type = parts.front().second;
  // From version 7.2 on QEMU hands a seed to kernels that are not encrypted, and edits them for it.
  std::string machine = type == "q35" ? "pc-q35-7.1" : type;
  for (const auto& [name, text] : parts) {
    if (name.empty() || name == "accel" || name == "confidential-guest-support") continue;
    machine += fmt::format(",{}={}", name, text);
  }
  vm.passed.insert(vm.passed.end(), {"-machine", machine});
  return {};
}

Status read_memory(const std::string& value, Vm& vm) {
  SEALIFT_TRY(const auto mib, number(value, "-m"));
  if (mib == 0 || mib > 1U << 20U) return bad("-m", "is in MiB, up to a million");
  vm.memory = mib << 20U;
  return {};
}

Status read_vcpus(const std::string& value, Vm& vm) {
  SEALIFT_TRY(const auto count, number(value, "-smp"));
  if (count == 0 || count > 255) return bad("-smp", "is 1 to 255");
  vm.vcpus = static_cast<std::uint32_t>(count);
  vm.passed.insert(vm.passed.end(), {"-smp", value});
  return {};
}

Status read_qmp(const std::string& value, Vm& vm) {
  const auto parts = properties(value);
  const auto& first = parts.front().second;
  if (!first.starts_with("unix:"))
    return fail(ErrorCode::unsupported, "only -qmp unix:PATH,server=on,wait=off is emulated", "-qmp");
  vm.qmp = first.substr(5);
  return {};
}

using Reader = std::function<Status(const std::string&, Vm&)>;

Reader keep_path(std::filesystem::path Vm::* member) {
  return [member](const std::string& value, Vm& vm) -> Status {
    vm.*member = value;
    return {};
  };
}

const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> all{
      {"-object", read_object},
      {"-machine", read_machine},
      {"-m", read_memory},
      {"-qmp", read_qmp},
      {"-bios", keep_path(&Vm::firmware)},
      {"-kernel", keep_path(&Vm::kernel)},
      {"-initrd", keep_path(&Vm::initrd)},
      {"-append",
       [](const std::string& value, Vm& vm) -> Status {
         vm.cmdline = value;
         return {};
       }},
      // The processor is the emulator's choice; with ES what is measured is the one that was asked for.
      {"-cpu",
       [](const std::string& value, Vm& vm) -> Status {
         vm.cpu = value.substr(0, value.find(','));
         return {};
       }},
      {"-smp", read_vcpus},
      {"-accel", [](const std::string&, Vm&) -> Status { return {}; }},
  };
  return all;
}

/// Without one of these the launch would be another one than it looks.
Status check(const Vm& vm) {
  if (vm.qmp.empty()) return bad("-qmp", "is missing: nobody could ask for the measurement");
  if (!vm.sev) return {};
  if (!vm.paused) return fail(ErrorCode::unsupported, "a launch with a secret starts paused: add -S", "-S");
  if (vm.firmware.empty()) return bad("-bios", "is missing: the firmware is what is measured first");
  if (vm.sev->kernel_hashes && vm.kernel.empty()) return bad("-kernel", "is missing for kernel-hashes=on");
  if (!vm.sev->kernel_hashes && !vm.kernel.empty())
    return fail(ErrorCode::unsupported, "a kernel without kernel-hashes=on is not measured", "kernel-hashes");
  return {};
}

}  // namespace

Result<Vm> parse_vm(const std::vector<std::string>& arguments) {
  Vm vm;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& option = arguments[i];
    const auto reader = readers().find(option);
    if (option == "-S") {
      vm.paused = true;
    } else if (reader == readers().end()) {
      vm.passed.push_back(option);
    } else {
      if (++i == arguments.size()) return bad(option, "wants a value");
      SEALIFT_CHECK(reader->second(arguments[i], vm));
    }
  }
  SEALIFT_CHECK(check(vm));
  return vm;
}

std::vector<std::string> tcg_arguments(const Vm& vm, const std::filesystem::path& qmp, int memory_fd) {
  auto out = vm.passed;
  const auto add = [&out](const std::string& option, const std::string& value) {
    if (!value.empty()) out.insert(out.end(), {option, value});
  };
  add("-accel", "tcg");
  add("-qmp", fmt::format("unix:{},server=on,wait=off", qmp.string()));
  if (!vm.sev) return out;
  out.emplace_back("-S");
  add("-cpu", "max");
  add("-m", fmt::format("{}", vm.memory >> 20U));
  add("-object",
      fmt::format("memory-backend-file,id=sealift-memory,size={},share=on,mem-path=/proc/self/fd/{}",
                  vm.memory, memory_fd));
  add("-machine", "memory-backend=sealift-memory");
  add("-bios", vm.firmware);
  add("-kernel", vm.kernel);
  add("-initrd", vm.initrd);
  add("-append", vm.cmdline);
  return out;
}

}  // namespace sealift::emulator
