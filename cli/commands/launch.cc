// SPDX-License-Identifier: Apache-2.0
/// sealift launch: an image into the cloud, sealed to whichever host it selects, and started there.
#include <fmt/core.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/approval.h"
#include "cli/cancellation.h"
#include "cli/cloud/cloud.h"
#include "cli/cloud/event_text.h"
#include "cli/cloud/follow.h"
#include "cli/cloud/keep_key.h"
#include "cli/cloud/keep_launch.h"
#include "cli/cloud/seeds.h"
#include "cli/cloud/upload.h"
#include "cli/commands/commands.h"
#include "cli/inputs.h"
#include "cli/policy_file.h"
#include "cli/sev/launch_secret.h"
#include "crypto/unique_id.h"
#include "guest/image/image.h"

namespace sealift::cli {
namespace {

struct LaunchOptions {
  CloudOptions cloud;
  std::string image;
  bool keep_key = false;
  Path seed;
  ApprovalOptions approval;
  OwnerOptions owner;
  std::uint32_t cpus = 1;
  std::uint32_t memory_mib = 0;
  std::string zone;
  std::vector<std::string> labels;
  std::string idempotency_key;
  bool consent = false;
  bool wait = false;
  bool plain = false;

  Insertion insertion() const { return plain ? Insertion::insecurely_plain : Insertion::secure; }
};

const SystemClock kClock;
constexpr std::string_view kService = "sealift.v1.LaunchService.";
std::string method(const char* name) { return std::string{kService} + name; }

bool is_sev(const LaunchOptions& options) { return !options.owner.owner.empty(); }

Result<SevOwner> sev_owner(const LaunchOptions& options) {
  const bool is_here = std::filesystem::is_directory(options.image);
  return read_sev_owner(options.owner, is_here ? std::optional<Path>{options.image} : std::nullopt,
                        {options.cpus, options.memory_mib});
}

/// What --policy says for an image of --owner; nothing where it is not given.
Result<PolicyFile> sev_policy_file(const LaunchOptions& options) {
  if (options.approval.policy.empty()) return PolicyFile{};
  if (!options.owner.says_no_terms())
    return fail(ErrorCode::invalid_argument, "--policy says already what --firmware and the like say",
                "--policy");
  SEALIFT_TRY(auto file, read_policy_file(options.approval.policy));
  if (!file.sev)
    return fail(ErrorCode::invalid_argument, "the policy file does not allow sev hosts", "policy.tees");
  file.sev->owner = options.owner.owner;
  return file;
}

std::string price_text(const v1::Quote& quote) {
  const auto per_hour = static_cast<double>(quote.price_micros_per_second()) * 3600 / 1e6;
  return fmt::format("{} CPU, {} MiB: {:.4f} {} an hour, by the second", quote.cpus(), quote.memory_mib(),
                     per_hour, printable(quote.currency()));
}

/// Step 322: nothing is started that the customer did not agree to pay for.
Status ask_for_consent(const v1::Quote& quote, const LaunchOptions& options, Context& context) {
  if (options.consent) return context.tick(price_text(quote));
  if (context.json || ::isatty(STDIN_FILENO) == 0)
    return fail(ErrorCode::invalid_argument, price_text(quote) + ": agree with --yes", "--yes");
  SEALIFT_CHECK(print_text(price_text(quote) + ". Start it? [y/N] "));
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return fail(ErrorCode::canceled, "you did not agree to the price; nothing was started");
}

/// What the image is for: as its manifest says, or the cloud, which gains nothing by a lie.
Result<std::string> tee_of(const LaunchOptions& options, rpc::Channel& frontend) {
  if (std::filesystem::is_directory(options.image)) {
    SEALIFT_TRY(const auto image, image::ImageDirectory::open(options.image));
    return image.manifest().tee;
  }
  v1::GetImageRequest request;
  request.set_image_id(options.image);
  SEALIFT_TRY(const auto image, frontend.call<v1::Image>("sealift.v1.ImageService.GetImage", request));
  return image.tee();
}

Result<std::string> image_id_of(const LaunchOptions& options, rpc::Channel& frontend, Context& context) {
  if (!std::filesystem::is_directory(options.image)) {
    SEALIFT_TRY(const auto id, esm::ImageId::from_hex(options.image));
    return id.hex();
  }
  SEALIFT_TRY(const auto image,
              upload_image(frontend, options.image, options.approval.reference, context.progress()));
  SEALIFT_CHECK(context.tick("the cloud has image " + printable(image.image_id())));
  return image.image_id();
}

Result<v1::Launch> create(const LaunchOptions& options, const std::string& image_id, rpc::Channel& frontend,
                          Context& context) {
  v1::GetQuoteRequest asked;
  asked.set_image_id(image_id);
  asked.set_cpus(options.cpus);
  asked.set_memory_mib(options.memory_mib);
  SEALIFT_TRY(const auto quote, frontend.call<v1::Quote>(method("GetQuote"), asked));
  SEALIFT_CHECK(ask_for_consent(quote, options, context));
  v1::CreateLaunchRequest request;
  request.set_quote_id(quote.quote_id());
  request.set_idempotency_key(options.idempotency_key.empty() ? crypto::time_ordered_id(SystemClock{}.now())
                                                              : options.idempotency_key);
  request.set_key_model(options.keep_key ? v1::KEY_MODEL_KEEP : v1::KEY_MODEL_BRING);
  request.set_zone(options.zone);
  for (const auto& label : options.labels) {
    const auto equals = label.find('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::invalid_argument, "a label is NAME=VALUE, not " + label, "--label");
    (*request.mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  return frontend.call<v1::Launch>(method("CreateLaunch"), request);
}

/// What happens on this computer when the launch asks for it.
using OnEvent = std::function<Status(const v1::LaunchEvent&)>;

Result<std::unique_ptr<Prover>> sev_prover(const LaunchOptions& options) {
  if (!options.approval.policy.empty())
    return fail(ErrorCode::invalid_argument,
                "a policy file is for your security module: with --keep-key say --firmware and the like",
                "--policy");
  SEALIFT_TRY(auto owner, sev_owner(options));
  SEALIFT_TRY(auto table, launch_secret_table(owner.owner));
  return std::make_unique<SevProver>(std::move(owner.policy), std::move(table), kClock);
}

Result<std::shared_ptr<KeyKeeper>> keeper_of(const LaunchOptions& options, rpc::Channel& frontend) {
  if (is_sev(options)) {
    SEALIFT_TRY(auto prover, sev_prover(options));
    return std::make_shared<KeyKeeper>(frontend, std::move(prover));
  }
  if (options.seed.empty())
    return fail(ErrorCode::invalid_argument,
                "keeping the key takes the image's seed, --seed, or for SEV what its owner keeps, --owner",
                "--seed");
  SEALIFT_TRY(auto tee, tee_of(options, frontend));
  if (tee == image::kPef) SEALIFT_CHECK(check_pef_approval(options.approval));
  SEALIFT_TRY(auto policy, measured_policy(options.approval));
  SEALIFT_TRY(auto seed, read_seed(options.seed));
  return std::make_shared<KeyKeeper>(frontend, std::move(policy), std::move(seed), kClock, std::move(tee));
}

Result<OnEvent> serving(const LaunchOptions& options, rpc::Channel& frontend) {
  SEALIFT_TRY(const auto keeper, keeper_of(options, frontend));
  return OnEvent{[keeper](const v1::LaunchEvent& event) -> Status {
    if (event.name() != "enrolment_asked") return {};
    const auto served = keeper->serve(event.launch_id());
    // Events of the past come first when a launch is followed again: that target was served already.
    if (!served && served.error().code == ErrorCode::failed_precondition) return {};
    return served;
  }};
}

/// 984: what the security module needs, where it is given here.
Status insert(const LaunchOptions& options, const Cloud& cloud, rpc::Channel& frontend,
              const std::string& image_id, Context& context) {
  if (is_sev(options)) {
    SEALIFT_TRY(const auto file, sev_policy_file(options));
    auto approved = options;
    if (file.sev) approved.owner = *file.sev;
    SEALIFT_TRY(const auto owner, sev_owner(approved));
    if (owner.owner.inputs.image_id.hex() != image_id)
      return fail(ErrorCode::invalid_argument, "what the owner keeps is of another image", "--owner");
    SEALIFT_CHECK(put_launch_secret(cloud, owner, file.seed, options.insertion()));
    return context.tick("the security module has the image's launch secret");
  }
  if (options.seed.empty()) return {};
  SEALIFT_TRY(const auto tee, tee_of(options, frontend));
  SEALIFT_CHECK(put_seed(cloud, image_id, options.seed, options.approval, tee, options.insertion()));
  return context.tick("the security module has the image's seed");
}

Status launch(const LaunchOptions& options, Context& context) {
  catch_signals();
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  OnEvent on_event;
  if (options.keep_key) {
    SEALIFT_TRY(on_event, serving(options, *frontend));
  }
  SEALIFT_TRY(const auto image_id, image_id_of(options, *frontend, context));
  if (!options.keep_key) SEALIFT_CHECK(insert(options, cloud, *frontend, image_id, context));
  SEALIFT_TRY(const auto created, create(options, image_id, *frontend, context));
  if (!context.json) SEALIFT_CHECK(print_text("launch " + printable(created.launch_id()) + "\n"));
  SEALIFT_CHECK(follow_launch(*frontend, created.launch_id(), options.wait ? Until::over : Until::running,
                              context, on_event));
  SEALIFT_TRY(const auto now, outcome_of(*frontend, created.launch_id()));
  if (context.json) return print_line(Json{{"launch", launch_json(now)}});
  return context.tick(
      fmt::format("{}: sealift console {}", state_text(now.state()), printable(now.launch_id())));
}

}  // namespace

void declare_launch(Command root) {
  auto options = std::make_shared<LaunchOptions>();
  auto command = root.command(
      "launch", "Launch an image in the cloud, on a host that is proven first",
      "sealift launch image --keep-key --seed image.seed --root vendor-root.pem --reference "
      "approved.eventlog\n"
      "sealift launch image --seed image.seed --root vendor-root.pem --reference approved.eventlog\n"
      "sealift launch image --owner image.owner --firmware amdsev.fd      for AMD SEV; with --keep-key, too\n"
      "sealift launch 0f3c… --wait        an image and seed that are there already",
      [options](Context& context) { return launch(*options, context); });
  command
      .text("IMAGE", options->image, "DIR|IMAGE-ID", "an image directory, sent where it is new; or an image",
            Need::required)
      .flag("--keep-key", options->keep_key,
            "this computer proves the host and seals (KYOK); else your security module does (BYOK)")
      .path("--seed", options->seed, kFile,
            "the image's seed; without --keep-key it goes to your security module")
      .number("--cpus", options->cpus, "processors (default: 1)")
      .number("--memory", options->memory_mib, "MiB of memory (default: the image's)")
      .text("--zone", options->zone, "NAME", "only there")
      .texts("--label", options->labels, "NAME=VALUE", "only on hosts with this label; may be repeated")
      .text("--idempotency-key", options->idempotency_key, kText,
            "the same key gives the same launch, however often it is asked for")
      .flag("--yes", options->consent, "agree to the price")
      .flag("--wait", options->wait, "until the guest has ended");
  declare_approval(command, options->approval, Need::optional);
  declare_policy_file(command, options->approval);
  declare_owner(command, options->owner);
  declare_insertion(command, options->plain);
  declare_cloud(command, options->cloud);
}

}  // namespace sealift::cli
