// SPDX-License-Identifier: Apache-2.0
/// sealift-frontend: the cloud's public door. Admission, quotas, quotes, image upload, relays.
#include <fmt/core.h>

#include "program/program.h"
#include "program/stop_signals.h"
#include "services/frontend/adapters/housekeeper.h"
#include "services/frontend/adapters/image_service.h"
#include "services/frontend/adapters/launch_service.h"
#include "services/frontend/adapters/options.h"
#include "services/frontend/domain/prices.h"
#include "store/schemas.h"

namespace sealift::frontend {
namespace {

rpc::ServerOptions server_options(const Options& options, sql::Database& database,
                                  objects::ObjectStore& objects) {
  rpc::ServerOptions server;
  server.peer_limits[rpc::Role::tenant] = options.tenant;
  server.workers = options.workers;
  server.health = [&database, &objects]() -> Status {
    SEALIFT_CHECK(database.read("SELECT 1", {}));
    return objects.check();
  };
  return server;
}

Status run(const Options& options) {
  SEALIFT_TRY(const auto stop, stop_signals());
  SEALIFT_CHECK(check_prices(options.terms.prices));
  SEALIFT_TRY(const auto credentials,
              rpc::load_credentials(options.serving.credentials, rpc::Role::frontend));
  SEALIFT_TRY(const auto database, store::open(options.database, store::Schema::images));
  SEALIFT_TRY(const auto objects, objects::open_store(options.objects));
  SEALIFT_CHECK(objects->check());
  SEALIFT_TRY(const auto zone, ZoneChannels::create(options.orchestrators, credentials));
  const auto image_store = store::make_image_store(*database);
  const auto upload_store = store::make_upload_store(*database);
  const auto use_store = store::make_object_use_store(*database);
  const auto quote_store = store::make_quote_store(*database);
  const auto sealed_store = store::make_sealed_head_store(*database);

  const SystemClock clock;
  const ImageStores stores{*image_store, *upload_store, *use_store, *sealed_store, *objects};
  Images images{stores, clock, options.terms.limits};
  Uploads uploads{stores, clock};
  SealedHeads sealed{*sealed_store, *image_store, *objects, clock};
  Launches launches{*image_store, sealed, *quote_store, clock, options.terms};
  Housekeeping housekeeping{images, stores, *quote_store, clock, options.terms.limits};
  const Housekeeper housekeeper{housekeeping, options.housekeeping};
  StreamRelays relays{*zone, options.streams};

  rpc::Router router;
  register_image_service(router, images, uploads, *zone);
  register_sealed_heads(router, sealed);
  register_launch_service(router, launches, *zone, relays);
  return rpc::serve("sealift-frontend", options.serving, credentials, std::move(router),
                    server_options(options, *database, *objects), stop.get());
}

}  // namespace
}  // namespace sealift::frontend

int main(int argc, char** argv) {
  using namespace sealift;
  frontend::Options options;
  CLI::App app{"The cloud's public door: images, quotes, launches."};
  frontend::declare(app, options);
  return run_program(app, "sealift-frontend", argc, argv, [&options] { return frontend::run(options); });
}
