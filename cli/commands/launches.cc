// SPDX-License-Identifier: Apache-2.0
/// sealift ps, events, console, stop, usage: what became of launches.
#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "cli/cancellation.h"
#include "cli/cloud/cloud.h"
#include "cli/cloud/event_text.h"
#include "cli/cloud/follow.h"
#include "cli/cloud/stop_on_signal.h"
#include "cli/commands/commands.h"

namespace sealift::cli {
namespace {

constexpr std::string_view kService = "sealift.v1.LaunchService.";
std::string method(const char* name) { return std::string{kService} + name; }

struct OneLaunch {
  CloudOptions cloud;
  std::string launch_id;
  bool follow = false;
};

std::string row(const v1::Launch& launch) {
  return fmt::format("{:<36}  {:<32}  {:<18}  {:<5}  {:>3} CPU {:>7} MiB\n", printable(launch.launch_id()),
                     printable(launch.image_id()), state_text(launch.state()),
                     launch.key_model() == v1::KEY_MODEL_KEEP ? "keep" : "bring", launch.cpus(),
                     launch.memory_mib());
}

/// Line ends stay; everything else that could steer a terminal is shown as \xNN.
std::string printable_lines(std::string_view text) {
  std::string out;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = text.substr(begin, end - begin);
    while (line.ends_with('\r')) line.remove_suffix(1);
    out += printable(line);
    if (end < text.size()) out += '\n';
    begin = end + 1;
  }
  return out;
}

struct PsOptions {
  CloudOptions cloud;
  bool all = false;
};

Status list(const PsOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  auto launches = Json::array();
  std::string text;
  v1::ListLaunchesRequest request;
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page, frontend->call<v1::ListLaunchesResponse>(method("ListLaunches"), request));
    for (const auto& launch : page.launches()) {
      if (is_over(launch) && !options.all) continue;
      launches.push_back(launch_json(launch));
      text += row(launch);
    }
    more = page.more() && page.launches_size() > 0;
    if (more) request.set_after(page.launches(page.launches_size() - 1).launch_id());
  }
  return context.report(Json{{"launches", launches}}, text.empty() ? "no launches\n" : text);
}

Status events(const OneLaunch& options, Context& context) {
  catch_signals();
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  if (options.follow) return follow_launch(*frontend, options.launch_id, Until::over, context, {});
  SEALIFT_TRY(const auto past, past_events(*frontend, options.launch_id));
  for (const auto& event : past) {
    SEALIFT_CHECK(context.json ? print_line(event_json(event))
                               : print_text(event_line(event, past.front().time_ms())));
  }
  return {};
}

Status console(const OneLaunch& options, Context& context) {
  catch_signals();
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  v1::WatchConsoleRequest request;
  request.set_launch_id(options.launch_id);
  const StopOnSignal stop;
  const bool raw = ::isatty(STDOUT_FILENO) == 0;
  const auto ended = frontend->stream<v1::ConsoleChunk>(
      method("WatchConsole"), request,
      [&](const v1::ConsoleChunk& chunk) -> Status {
        SEALIFT_CHECK(check_not_cancelled());
        if (context.json)
          return print_line(Json{{"offset", chunk.offset()}, {"text", printable_lines(chunk.data())}});
        return print_text(raw ? chunk.data() : printable_lines(chunk.data()));
      },
      stop.token());
  SEALIFT_CHECK(check_not_cancelled());
  return ended;
}

Status stop(const OneLaunch& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  v1::StopLaunchRequest request;
  request.set_launch_id(options.launch_id);
  SEALIFT_TRY(const auto launch, frontend->call<v1::Launch>(method("StopLaunch"), request));
  return context.report(launch_json(launch), row(launch));
}

struct UsageOptions {
  CloudOptions cloud;
  std::uint32_t days = 30;
};

Status usage(const UsageOptions& options, Context& context) {
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  const auto now = std::chrono::floor<std::chrono::milliseconds>(SystemClock{}.now().time_since_epoch());
  v1::ListUsageRequest request;
  request.set_from_ms((now - std::chrono::days{options.days}).count());
  request.set_to_ms(now.count());
  auto rows = Json::array();
  std::string text;
  std::uint64_t total = 0;
  do {
    SEALIFT_TRY(const auto page, frontend->call<v1::ListUsageResponse>(method("ListUsage"), request));
    for (const auto& used : page.usage()) {
      total += used.price_micros();
      rows.push_back(Json{{"launch_id", used.launch_id()},
                          {"image_id", used.image_id()},
                          {"seconds", used.seconds()},
                          {"price_micros", used.price_micros()}});
      text += fmt::format("{:<36}  {:>10} s  {:>14.6f}\n", printable(used.launch_id()), used.seconds(),
                          static_cast<double>(used.price_micros()) / 1e6);
    }
    request.set_after(page.next());
  } while (!request.after().empty());
  text += fmt::format("{:<36}  {:>10}    {:>14.6f}\n", "total", "", static_cast<double>(total) / 1e6);
  return context.report(Json{{"usage", rows}, {"price_micros", total}}, text);
}

using LaunchAction = Status (*)(const OneLaunch&, Context&);

Command declare_one(Command& root, const char* name, const char* help, const char* example,
                    LaunchAction action) {
  auto options = std::make_shared<OneLaunch>();
  auto command = root.command(name, help, example,
                              [options, action](Context& context) { return action(*options, context); });
  command.text("LAUNCH", options->launch_id, "LAUNCH-ID", "from launch or ps", Need::required);
  if (std::string_view{name} == "events")
    command.flag("--follow", options->follow, "until the launch is over");
  declare_cloud(command, options->cloud);
  return command;
}

}  // namespace

void declare_launches(Command root) {
  auto ps = std::make_shared<PsOptions>();
  auto command = root.command("ps", "List your launches that are not over", "sealift ps --all --json",
                              [ps](Context& context) { return list(*ps, context); });
  command.flag("--all", ps->all, "also those that are over");
  declare_cloud(command, ps->cloud);

  declare_one(root, "events", "Show the life of a launch, step by step", "sealift events 0192f3c1-… --follow",
              events);
  declare_one(root, "console", "Show what the guest prints", "sealift console 0192f3c1-…", console);
  declare_one(root, "stop", "End a launch and its guest", "sealift stop 0192f3c1-…", stop);

  auto used = std::make_shared<UsageOptions>();
  auto usage_command = root.command("usage", "Show what your instances have cost", "sealift usage --days 7",
                                    [used](Context& context) { return usage(*used, context); });
  usage_command.number("--days", used->days, "of so many days back (default: 30)");
  declare_cloud(usage_command, used->cloud);
}

}  // namespace sealift::cli
