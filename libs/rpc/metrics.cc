// SPDX-License-Identifier: Apache-2.0
#include "rpc/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace sealift::rpc {
namespace {

/// From a call that finds all in memory to one that waits for a host.
const prometheus::Histogram::BucketBoundaries& seconds() {
  static const prometheus::Histogram::BucketBoundaries bounds{
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
  return bounds;
}

}  // namespace

class Metrics::Impl {
 public:
  void count(const std::string& method, const std::string& code, double took) {
    calls_.Add({{"method", method}, {"code", code}}).Increment();
    times_.Add({{"method", method}}, seconds()).Observe(took);
  }
  std::string text() const { return prometheus::TextSerializer{}.Serialize(registry_.Collect()); }

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& calls_ = prometheus::BuildCounter()
                                                        .Name("sealift_calls_total")
                                                        .Help("Calls that have ended, by method and outcome.")
                                                        .Register(registry_);
  prometheus::Family<prometheus::Histogram>& times_ =
      prometheus::BuildHistogram()
          .Name("sealift_call_seconds")
          .Help("From a call's first byte to its answer; of a stream, to its end.")
          .Register(registry_);
};

Metrics::Metrics() : impl_{std::make_unique<Impl>()} {}
Metrics::~Metrics() = default;

void Metrics::count(const CallReport& report) {
  const auto code = report.status ? std::string{"ok"} : std::string{name(report.status.error().code)};
  impl_->count(report.method.empty() ? "unknown" : report.method, code,
               std::chrono::duration<double>(report.took).count());
}

std::string Metrics::text() const { return impl_->text(); }

void add_metrics(ServerOptions& options, Router& router) {
  const auto metrics = std::make_shared<Metrics>();
  router.page("/metrics", Allow::roles({Role::administrator}), [metrics] { return metrics->text(); });
  options.on_call = [metrics, also = std::move(options.on_call)](const CallReport& report) {
    metrics->count(report);
    if (also) also(report);
  };
}

}  // namespace sealift::rpc
