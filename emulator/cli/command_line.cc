// SPDX-License-Identifier: Apache-2.0
#include "emulator/cli/command_line.h"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "emulator/cli/commands.h"
#include "emulator/machine/report.h"

namespace sealift::emulator {
namespace {

constexpr const char* kAbout =
    "Emulated machines with a TPM, an EK certificate and measured firmware.\n"
    "They are for trying and testing: they protect nothing from whoever can read their files.";
constexpr const char* kExamples =
    "Examples:\n"
    "  sealift-emulator create alpha\n"
    "  sealift-emulator boot alpha\n"
    "  sealift-emulator evidence alpha --out alpha.json\n"
    "  sealift-emulator tamper alpha --component opal --payload && sealift-emulator boot alpha\n"
    "  sealift-emulator flash alpha --firmware default\n"
    "  sealift-emulator list --json";

/// What was typed.
struct Typed {
  Arguments arguments;
  CommandFunction chosen = nullptr;
};

class Parser {
 public:
  explicit Parser(Typed& typed) : typed_{typed} {
    app_.require_subcommand(1);
    app_.footer(kExamples);
    app_.get_formatter()->column_width(34);
    add_life();
    add_views();
    add_agent();
    add_changes();
    add_psps();
  }

  CLI::App& app() noexcept { return app_; }

 private:
  CLI::App* command(const char* name, const char* about, const char* example, CommandFunction function) {
    auto* sub = app_.add_subcommand(name, about);
    sub->footer(std::string{"Example:\n  sealift-emulator "} + example);
    sub->add_option("--dir", typed_.arguments.machines,
                    "Where machines live (default ${XDG_DATA_HOME:-~/.local/share}/sealift/machines)");
    sub->add_flag("--json", typed_.arguments.json, "One JSON document on standard output, errors as JSON");
    sub->callback([this, function] { typed_.chosen = function; });
    return sub;
  }

  CLI::App* machine_command(const char* name, const char* about, const char* example,
                            CommandFunction function) {
    auto* sub = command(name, about, example, function);
    sub->add_option("NAME", typed_.arguments.name, "The machine")->required();
    return sub;
  }

  void add_straps(CLI::App* sub) {
    auto& a = typed_.arguments;
    sub->add_option("--firmware", a.firmware,
                    "default, next (other verification code) or foreign (other vendor)");
    sub->add_option("--secure-boot-jumper", a.secure_boot_jumper,
                    "off: signatures are not enforced, PCR 6 says so")
        ->check(CLI::IsMember({"on", "off"}));
    sub->add_option("--pef", a.pef, "The PEF-enable bit")->check(CLI::IsMember({"on", "off"}));
  }

  void add_life() {
    auto& a = typed_.arguments;
    auto* create = machine_command("create", "Make a machine: TPM, EK certificate, storage key, firmware",
                                   "create alpha --storage-key rsa2048", run_create);
    create
        ->add_option("--tee", a.tee,
                     "What protects its guests: measured (default) or pef, an emulated POWER9")
        ->check(CLI::IsMember({"measured", "pef"}));
    create->add_option("--ek", a.ek, "p256 (default) or rsa2048");
    create->add_option("--storage-key", a.storage_key, "p256 (default) or rsa2048");
    create->add_option("--approver", a.approver,
                       "Public P-256 key (PEM): bind the storage key to the states that it approves of");
    add_straps(create);
    auto* boot = machine_command("boot", "Power cycle: TPM reset, firmware, new boot password, ultravisor",
                                 "boot alpha", run_boot);
    boot->add_option("--ultravisor", a.ultravisor,
                     "The program (default: sealift-ultravisor beside this one)");
    boot->add_option("--run-as", a.run_as, "User for the ultravisor's guests");
    boot->add_option("--slof", a.slof, "Firmware for the guests of a pef machine (default: QEMU's)");
    machine_command("stop", "Power off", "stop alpha", run_stop);
    machine_command("destroy", "Stop the machine and remove it", "destroy alpha", run_destroy);
  }

  void add_views() {
    command("list", "All machines: state, firmware, PCR 6, EK", "list", run_list);
    machine_command("show", "One machine, all of it", "show alpha --json", run_show);
    command("firmware", "What the vendor publishes of a firmware set, for sealift policy predict",
            "firmware default --json", run_firmware)
        ->add_option("SET", typed_.arguments.name, "default, next or foreign")
        ->required();
  }

  void add_agent() {
    auto& a = typed_.arguments;
    auto* evidence =
        machine_command("evidence", "What the machine shows to be enrolled (as an untrusted agent does)",
                        "evidence alpha --out alpha.json", run_evidence);
    evidence->add_option("--out", a.out, "File (default: standard output)");
    auto* activate =
        machine_command("activate", "Answer a credential challenge (TPM2_ActivateCredential)",
                        "activate alpha --challenge challenge.bin --out response.bin", run_activate);
    activate->add_option("--challenge", a.challenge, "Credential file, as tpm2_makecredential writes it")
        ->required();
    activate->add_option("--out", a.out, "File for the secret")->required();
  }

  void add_changes() {
    auto& a = typed_.arguments;
    auto* tamper = machine_command("tamper", "Alter a firmware component in the flash",
                                   "tamper alpha --component opal --signature", run_tamper);
    tamper
        ->add_option("--component", a.component,
                     "immutable-loader, mutable-loader, host-boot-loader, init, ext or opal")
        ->required();
    auto* how = tamper->add_option_group("how");
    how->add_flag("--payload", a.payload, "One bit of its code (default)");
    how->add_flag("--signature", a.signature, "One bit of its signature");
    how->add_flag("--hardware-keys", a.hardware_keys, "Sign it again, by other hardware keys");
    how->require_option(0, 1);
    auto* flash = machine_command("flash", "Put other firmware into the machine, set its straps",
                                  "flash alpha --firmware foreign --rewrite-hardware-keys", run_flash);
    add_straps(flash);
    flash->add_flag("--rewrite-hardware-keys", a.rewrite_hardware_keys,
                    "The machine accepts the keys of what is in the flash then");
  }

  void add_psps() {
    auto& a = typed_.arguments;
    auto* maker = command("psp-maker", "Make a maker of AMD PSPs: a root, and a key server's files",
                          "psp-maker maker --json", run_psp_maker);
    maker->add_option("DIR", a.name, "To be made")->required();
    maker->add_option("--claim-id", a.claim_id,
                      "As a forger: the root's key ID, 32 digits, of somebody else's");
    maker->add_flag("--small-keys", a.small_keys, "RSA-2048, as the first generation had; made sooner");
    auto* chip = command("psp-chip", "Make a chip: a PSP with keys of its own, signed by its maker",
                         "psp-chip chip --maker maker", run_psp_chip);
    chip->add_option("DIR", a.name, "To be made; what sealift-emulated-sev-qemu takes")->required();
    chip->add_option("--maker", a.maker, "What psp-maker made")->required();
  }

  Typed& typed_;
  CLI::App app_{kAbout, "sealift-emulator"};
};

int print_error(const Error& error, bool json) {
  std::string text;
  if (json) {
    const nlohmann::ordered_json document{{"error", emulator::error_json(error)}};
    text = document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  } else {
    text = fmt::format("sealift-emulator: {}: {}\n", name(error.code), error.message);
    if (!error.expected.empty())
      text += fmt::format("  expected: {}\n  found:    {}\n", error.expected, error.found);
    text += fmt::format("  {}\n", remedy(error.code));
  }
  static_cast<void>(write_all(STDERR_FILENO, as_bytes(text)));  // nobody is left to tell
  return static_cast<int>(kind(error.code));
}

/// Before parsing succeeded only the words themselves can tell.
bool asks_for_json(int argc, const char* const* argv) {
  return std::any_of(argv, argv + argc, [](const char* word) { return std::string_view{word} == "--json"; });
}

Status run_chosen(const Typed& typed) {
  SEALIFT_TRY(const auto text, typed.chosen(typed.arguments));
  return write_all(STDOUT_FILENO, as_bytes(text));
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  Typed typed;
  Parser parser{typed};
  try {
    parser.app().parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return parser.app().exit(help);
  } catch (const CLI::ParseError& error) {
    return print_error({ErrorCode::invalid_argument, error.what(), {}, {}}, asks_for_json(argc, argv));
  }
  const auto done = run_chosen(typed);
  return done ? 0 : print_error(done.error(), typed.arguments.json);
}

}  // namespace sealift::emulator
