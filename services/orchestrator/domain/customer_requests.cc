// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/customer_requests.h"

#include <fmt/core.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "crypto/digest.h"
#include "crypto/unique_id.h"
#include "services/orchestrator/domain/host_kind.h"
#include "services/orchestrator/domain/instance_image.h"

namespace sealift::orchestrator {
namespace {

constexpr std::uint32_t kMaxPage = 1000;
constexpr std::uint32_t kUsualPage = 100;
constexpr std::uint32_t kMaxQuestions = 8;  // for one target
constexpr std::size_t kMaxQuestion = 8192;
constexpr milliseconds kLook{100};  // another replica's work raises no signal here
constexpr milliseconds kConsoleWait{5000};
constexpr int kEventPage = 1000;
constexpr int kTries = 5;

int page_size(std::uint32_t asked) {
  return static_cast<int>(asked == 0 ? kUsualPage : std::min(asked, kMaxPage));
}

/// Of what the customer asked for: an image may be sealed to more hosts while a request is repeated.
Bytes digest_of(v1::ZoneCreateLaunchRequest request) {
  request.mutable_image()->clear_sealed_heads();
  std::string text;
  {
    google::protobuf::io::StringOutputStream stream{&text};
    google::protobuf::io::CodedOutputStream coded{&stream};
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha256, as_bytes(text));
  return {digest.view().begin(), digest.view().end()};
}

store::LaunchRecord new_record(const v1::ZoneCreateLaunchRequest& request, TimePoint now) {
  state::v1::LaunchDocument document;
  *document.mutable_image() = request.image();
  document.set_price_micros_per_second(request.price_micros_per_second());
  document.set_security_module(request.security_module());
  const auto text = document.SerializeAsString();
  store::LaunchRecord record;
  record.launch_id = crypto::time_ordered_id(now);
  record.tenant = request.tenant();
  record.idempotency_key = request.idempotency_key();
  record.request_digest = digest_of(request);
  record.image_id = request.image().image_id();
  record.key_model = request.key_model() == v1::KEY_MODEL_KEEP ? "keep" : "bring";
  record.tee = request.image().tee();
  record.arch = request.image().arch();
  record.zone = request.zone();
  record.labels = {request.labels().begin(), request.labels().end()};
  record.cpus = request.cpus();
  record.memory_mib = request.memory_mib();
  record.state = state_name(v1::Launch::STATE_REQUESTED);
  record.document.assign(text.begin(), text.end());
  record.created_at_ms = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count();
  record.due_at_ms = record.created_at_ms;
  return record;
}

/// Seconds begun within [from, to).
std::uint64_t seconds_between(std::int64_t from_ms, std::int64_t to_ms) {
  return to_ms <= from_ms ? 0 : static_cast<std::uint64_t>((to_ms - from_ms + 999) / 1000);
}

Result<v1::Usage> usage_within(const store::LaunchRecord& launch, const v1::ListUsageRequest& period,
                               std::int64_t now) {
  state::v1::LaunchDocument document;
  if (!document.ParseFromArray(launch.document.data(), static_cast<int>(launch.document.size())))
    return fail(ErrorCode::malformed, "the record of launch " + launch.launch_id + " is damaged", "document");
  v1::Usage usage;
  usage.set_launch_id(launch.launch_id);
  usage.set_image_id(launch.image_id);
  usage.set_cpus(static_cast<std::uint32_t>(launch.cpus));
  usage.set_memory_mib(static_cast<std::uint32_t>(launch.memory_mib));
  usage.set_from_ms(std::max(period.from_ms(), launch.started_at_ms));
  usage.set_to_ms(std::min(period.to_ms(), launch.ended_at_ms == 0 ? now : launch.ended_at_ms));
  usage.set_seconds(seconds_between(usage.from_ms(), usage.to_ms()));
  usage.set_price_micros(usage.seconds() * document.price_micros_per_second());
  return usage;
}

/// Another replica, or the launch's own next step, was quicker: looked at again.
template <typename F>
auto unless_conflict(F attempt) -> decltype(attempt()) {
  for (int tries = 1;; ++tries) {
    auto result = attempt();
    if (result || result.error().code != ErrorCode::conflict || tries == kTries) return result;
  }
}

}  // namespace

Result<Launch> CustomerRequests::find(const std::string& tenant, const std::string& launch_id) {
  SEALIFT_TRY(auto record, stores_.launches.get(tenant, launch_id));
  return Launch::read(std::move(record), now_ms(clock_));
}

Result<v1::Launch> CustomerRequests::commit(Launch launch) {
  auto change = std::move(launch).change();
  SEALIFT_CHECK(stores_.launches.commit(change));
  signal_.raise();
  return to_message(change.record);
}

Result<v1::Launch> CustomerRequests::create(const v1::ZoneCreateLaunchRequest& request) {
  SEALIFT_CHECK(check_request(request));
  const auto now = clock_.now();
  SEALIFT_TRY(auto launch, Launch::read(new_record(request, now), now_ms(clock_)));
  launch.note(event::kProvisioningRequested);
  launch.note(event::kServiceConfirmed);
  launch.note(event::kInstanceRequested);
  const auto change = std::move(launch).change();
  SEALIFT_TRY(const auto created,
              stores_.launches.create(change.record, change.events, request.max_active()));
  signal_.raise();
  return to_message(created.record);
}

Result<v1::Launch> CustomerRequests::get(const std::string& tenant, const std::string& launch_id) {
  SEALIFT_TRY(const auto record, stores_.launches.get(tenant, launch_id));
  return to_message(record);
}

Result<v1::ListLaunchesResponse> CustomerRequests::list(const std::string& tenant,
                                                        const v1::ListLaunchesRequest& request) {
  const auto limit = page_size(request.limit());
  SEALIFT_TRY(const auto records, stores_.launches.list(tenant, request.after(), limit));
  v1::ListLaunchesResponse response;
  for (const auto& record : records) *response.add_launches() = to_message(record);
  response.set_more(records.size() == static_cast<std::size_t>(limit));
  return response;
}

Result<v1::ListUsageResponse> CustomerRequests::usage(const std::string& tenant,
                                                      const v1::ListUsageRequest& request) {
  if (request.from_ms() < 0 || request.to_ms() <= request.from_ms())
    return fail(ErrorCode::invalid_argument, "the period ends before it begins", "to_ms");
  SEALIFT_TRY(const auto page, stores_.launches.usage(tenant, request.from_ms(), request.to_ms(),
                                                      request.after(), page_size(request.limit())));
  v1::ListUsageResponse response;
  for (const auto& launch : page.launches) {
    SEALIFT_TRY(*response.add_usage(), usage_within(launch, request, now_ms(clock_)));
  }
  response.set_next(page.next);
  return response;
}

Result<v1::Launch> CustomerRequests::stop(const std::string& tenant, const std::string& launch_id) {
  return unless_conflict([&]() -> Result<v1::Launch> {
    SEALIFT_TRY(auto launch, find(tenant, launch_id));
    const auto state = launch.state();
    if (is_final(state) || state == v1::Launch::STATE_STOPPING) return to_message(launch.record());
    launch.note(event::kStopRequested);
    if (state == v1::Launch::STATE_RUNNING || state == v1::Launch::STATE_DISPATCHED) {
      launch.command("stop", stop_command());
      launch.wait_in(v1::Launch::STATE_STOPPING, limits_.stop);
    } else {
      launch.refuse(Error{ErrorCode::canceled, "stopped by its customer before it was started", {}, {}},
                    limits_);
    }
    return commit(std::move(launch));
  });
}

Result<std::vector<v1::LaunchEvent>> CustomerRequests::events(const std::string& tenant,
                                                              const std::string& launch_id,
                                                              std::uint32_t after_sequence) {
  // The launch first: if it is over, the events that follow are all there are.
  SEALIFT_TRY(const auto record, stores_.launches.get(tenant, launch_id));
  SEALIFT_TRY(const auto found, stores_.launches.events(launch_id, after_sequence, kEventPage));
  std::vector<v1::LaunchEvent> events;
  events.reserve(found.size());
  for (const auto& event : found) events.push_back(to_message(event));
  if (is_final(state_from_name(record.state)) && found.size() < std::size_t{kEventPage} && !events.empty())
    events.back().set_last(true);
  return events;
}

Result<Launch> CustomerRequests::awaiting_customer(const std::string& tenant, const std::string& launch_id,
                                                   std::uint32_t attempt) {
  SEALIFT_TRY(auto launch, find(tenant, launch_id));
  if (launch.state() != v1::Launch::STATE_AWAITING_CUSTOMER)
    return fail(ErrorCode::failed_precondition,
                fmt::format("the launch is {}: it does not await its customer", launch.record().state),
                "state");
  if (attempt != 0 && launch.record().attempt != attempt)
    return fail(ErrorCode::failed_precondition, "the launch is with another target by now", "attempt");
  return launch;
}

Result<v1::Target> CustomerRequests::target(const std::string& tenant, const std::string& launch_id) {
  SEALIFT_TRY(const auto launch, awaiting_customer(tenant, launch_id, 0));
  v1::Target target;
  target.set_attempt(static_cast<std::uint32_t>(launch.record().attempt));
  target.set_tee(launch.record().tee);
  target.set_evidence(launch.document().evidence());
  return target;
}

Result<std::string> CustomerRequests::relay_question(const std::string& tenant,
                                                     const v1::ChallengeTargetRequest& request) {
  SEALIFT_TRY(auto launch, awaiting_customer(tenant, request.launch_id(), request.attempt()));
  const auto& kind = host_kind(launch.record().tee);
  const auto& question = request.question();
  if (launch.is_on_host()) {
    if (launch.document().question() == question) return launch.command_id(kind.answer_command({}));
    return fail(ErrorCode::failed_precondition, "the target loaded the image under another question",
                "question");
  }
  if (launch.document().questions() >= kMaxQuestions)
    return fail(ErrorCode::resource_exhausted, "this target was asked often enough", "question");
  launch.document().set_questions(launch.document().questions() + 1);
  const auto name = fmt::format("customer-question-{}", launch.document().questions());
  SEALIFT_CHECK(kind.ask(launch, name, question, objects_));
  if (kind.loads_first()) launch.loads_under(question);
  launch.note(kind.loads_first() ? event::kSessionByCustomer : event::kCustomerQuestion);
  launch.wait_on();
  auto id = launch.command_id(kind.answer_command(name));
  SEALIFT_CHECK(commit(std::move(launch)));
  return id;
}

Result<v1::ChallengeTargetResponse> CustomerRequests::challenge(const std::string& tenant,
                                                                const v1::ChallengeTargetRequest& request) {
  if (request.question().empty() || request.question().size() > kMaxQuestion)
    return fail(ErrorCode::invalid_argument, "the question is empty or too large", "question");
  SEALIFT_TRY(const auto command, unless_conflict([&] { return relay_question(tenant, request); }));
  SEALIFT_TRY(const auto result, wait_for(command, limits_.host_answer));
  if (!result.has_answer()) return tl::unexpected(why_not(result));
  v1::ChallengeTargetResponse response;
  response.set_answer(result.answer().answer());
  return response;
}

Result<v1::CompleteCommandRequest> CustomerRequests::wait_for(const std::string& command_id,
                                                              milliseconds limit,
                                                              const std::stop_token& stop) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (auto seen = signal_.count(); std::chrono::steady_clock::now() < until;
       seen = signal_.wait(seen, kLook)) {
    if (stop.stop_requested()) return fail(ErrorCode::canceled, "nobody waits for the host any more");
    SEALIFT_TRY(const auto command, stores_.commands.get(command_id));
    if (!command.done) continue;
    v1::CompleteCommandRequest result;
    if (!result.ParseFromArray(command.result.data(), static_cast<int>(command.result.size())))
      return fail(ErrorCode::malformed, "the host's result is damaged", "result");
    return result;
  }
  return fail(ErrorCode::timeout, fmt::format("the host did not answer within {} s", limit.count() / 1000),
              "host");
}

Result<v1::Launch> CustomerRequests::authorize(const std::string& tenant,
                                               const v1::AuthorizeTargetRequest& request) {
  return unless_conflict([&]() -> Result<v1::Launch> {
    SEALIFT_TRY(auto launch, find(tenant, request.launch_id()));
    const auto& kind = host_kind(launch.record().tee);
    const auto given = authorization_in(request);
    // The same again: the answer to the first was lost on its way.
    if (launch.record().attempt == request.attempt() && launch.is_authorized_by(given))
      return to_message(launch.record());
    SEALIFT_CHECK(awaiting_customer(tenant, request.launch_id(), request.attempt()));
    SEALIFT_CHECK(kind.check(launch, given));
    launch.authorize(given);
    launch.document().set_waiting_since_ms(now_ms(clock_));
    if (kind.loads_first()) launch.note(event::kMeasurementRelayed);
    launch.note(kind.loads_first() ? event::kSecretByCustomer : event::kSealedByCustomer);
    launch.go_to(v1::Launch::STATE_STAGING);
    return commit(std::move(launch));
  });
}

Result<v1::Launch> CustomerRequests::refuse(const std::string& tenant,
                                            const v1::RefuseTargetRequest& request) {
  return unless_conflict([&]() -> Result<v1::Launch> {
    SEALIFT_TRY(auto launch, awaiting_customer(tenant, request.launch_id(), request.attempt()));
    const auto why = from_message(request.refusal());
    if (request.try_another()) {
      launch.give_up_target(why, limits_);
    } else {
      launch.refuse(why, limits_);
    }
    return commit(std::move(launch));
  });
}

Result<v1::CompleteCommandRequest> CustomerRequests::through_the_store(const Launch& launch,
                                                                       const std::string& name,
                                                                       v1::Command body,
                                                                       const std::stop_token& stop) {
  const auto command = launch.make_command(name, std::move(body));
  SEALIFT_CHECK(stores_.commands.add(command));
  signal_.raise();
  auto result = wait_for(command.command_id, limits_.host_answer, stop);
  SEALIFT_CHECK(stores_.commands.remove(command.command_id));
  return result;
}

Result<v1::ConsoleResult> CustomerRequests::console(const v1::ZoneWatchConsoleRequest& request,
                                                    const std::stop_token& stop) {
  SEALIFT_TRY(const auto launch, find(request.tenant(), request.request().launch_id()));
  if (launch.record().host_id.empty())
    return fail(ErrorCode::failed_precondition, "the launch has no host yet", "state");
  const auto name = fmt::format("console-{}", crypto::time_ordered_id(clock_.now()));
  const auto offset = request.request().offset();
  v1::Command body;
  body.mutable_read_console()->set_offset(offset);
  body.mutable_read_console()->set_wait_ms(static_cast<std::uint32_t>(kConsoleWait.count()));
  auto result = direct_.ask(launch.record().host_id, launch.addressed(name, body),
                            kConsoleWait + limits_.direct_answer, stop);
  if (!result && result.error().code == ErrorCode::unavailable && !request.only_direct())
    result = through_the_store(launch, name, std::move(body), stop);
  if (!result) return tl::unexpected(result.error());
  if (!result->has_console()) return tl::unexpected(why_not(*result));
  if (result->console().offset() != offset)
    return fail(ErrorCode::malformed, "the host answered for another place of the console", "offset");
  return result->console();
}

}  // namespace sealift::orchestrator
