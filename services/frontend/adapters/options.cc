// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/adapters/options.h"

#include <cmath>

namespace sealift::frontend {
namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;

void seconds(CLI::App& app, const char* name, std::chrono::seconds& into, const char* help) {
  app.add_option_function<std::int64_t>(
         name, [&into](std::int64_t value) { into = std::chrono::seconds{value}; }, help)
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{100'000'000}))
      ->default_str(std::to_string(into.count()));
}

void declare_places(CLI::App& app, Options& options) {
  app.add_option("--listen", options.serving.listen, "ADDRESS:PORT to listen on")->capture_default_str();
  app.add_option("--credentials", options.serving.credentials, "directory that sealift pki issue wrote")
      ->required();
  app.add_option("--database", options.database, "sqlite:PATH, or PostgreSQL's postgresql://…")->required();
  app.add_option("--objects", options.objects, "the object store: dir:PATH or s3+https://…")->required();
  app.add_option("--orchestrator", options.orchestrators,
                 "HOST:PORT of the zone's orchestrator; again for each replica")
      ->required()
      ->allow_extra_args(false);
  app.add_option_function<std::vector<std::string>>(
         "--security-module",
         [&options](const std::vector<std::string>& all) {
           for (const auto& one : all) {
             const auto equals = one.find('=');
             const bool good =
                 equals != 0 && equals != std::string::npos && one.find(':', equals) != std::string::npos;
             if (!good) throw CLI::ValidationError("--security-module", one + " is not TENANT=HOST:PORT");
             options.terms.security_modules[one.substr(0, equals)] = one.substr(equals + 1);
           }
         },
         "TENANT=HOST:PORT: the security module of a tenant that brings its own key, its replicas separated "
         "by "
         "commas; again for each tenant")
      ->allow_extra_args(false);
}

void declare_quotas(CLI::App& app, Options& options) {
  auto& limits = options.terms.limits;
  app.add_option("--quota-images", limits.images, "images that one tenant may have")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  app.add_option_function<double>(
         "--quota-gib",
         [&limits](double gib) { limits.image_bytes = static_cast<std::uint64_t>(std::llround(gib * kGib)); },
         "GiB of all images of one tenant")
      ->check(CLI::Range(0.001, 1e9))
      ->default_str(std::to_string(limits.image_bytes >> 30U));
  app.add_option("--quota-launches", limits.active_launches, "launches of one tenant that have not ended")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--tenant-calls", options.tenant.calls, "calls of one tenant that are served at once")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--tenant-calls-per-second", options.tenant.calls_per_second,
                 "and how many a second, lasting")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  app.add_option("--tenant-streams", options.tenant.streams,
                 "launches and consoles that one tenant watches at once")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--workers", options.workers, "calls of all tenants that are served at once")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--streams", options.streams, "launches and consoles that all tenants watch at once")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
}

void declare_prices(CLI::App& app, Options& options) {
  auto& prices = options.terms.prices;
  app.add_option("--price-cpu", prices.cpu_micros,
                 "millionths of the currency's unit for each CPU and second")
      ->capture_default_str();
  app.add_option("--price-gib", prices.gib_micros, "and for each GiB of memory and second")
      ->capture_default_str();
  app.add_option("--price-currency", prices.currency, "ISO 4217 code")->capture_default_str();
  seconds(app, "--quote-validity", prices.validity, "seconds in which a quote can be consented to");
}

}  // namespace

void declare(CLI::App& app, Options& options) {
  declare_places(app, options);
  declare_quotas(app, options);
  declare_prices(app, options);
  seconds(app, "--stale-upload", options.terms.limits.stale_upload,
          "seconds after which an image is dropped of which nothing more came");
  seconds(app, "--housekeeping", options.housekeeping, "seconds between two looks for what can be dropped");
  app.footer(
      "Examples:\n  sealift-frontend --listen 0.0.0.0:7443 --credentials /etc/sealift/frontend \\\n"
      "    --database sqlite:/var/lib/sealift/images.db --objects dir:/var/lib/sealift/objects \\\n"
      "    --orchestrator 10.0.0.2:7444 --security-module acme=10.0.0.9:7445\n"
      "  sealift-frontend --config /etc/sealift/frontend.conf\n\n"
      "Scaling out: start it on several machines with one postgresql:// database and one s3+https:// store, "
      "and name "
      "every\nreplica of the orchestrator and of each security module. Customers name every front end, or a "
      "load "
      "balancer that\npasses TCP through. docs/operate.md has a whole installation.");
}

}  // namespace sealift::frontend
