// SPDX-License-Identifier: Apache-2.0
/// A man in the middle between a customer and their security module, with TLS certificates that both believe:
/// it sees every message and alters any. It learns nothing of what is inserted, and nothing but what the
/// customer sent ever gets into the security module.
#include <gmock/gmock.h>

#include <set>

#include "cli/dev/supervisor.h"
#include "cli/programs.h"
#include "cli/tool_for_test.h"
#include "rpc/testing/world.h"
#include "sealift/v1/security_module.pb.h"
#include "tee/insertion_proof.h"
#include "tests/e2e/field_changes_for_test.h"
#include "tests/e2e/relay_for_test.h"
#include "tpm/commands.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::e2e {
namespace {

using cli::Json;
using rpc::Role;

constexpr const char* kTenant = "acme";
constexpr const char* kImage = "000102030405060708090a0b0c0d0e0f";
constexpr const char* kBegin = "SeedService.BeginInsertion";
constexpr const char* kInsert = "SeedService.InsertSeed";

enum class Proof { certificate, state };

struct Place {
  std::string method;
  Direction direction;
  std::string field;
  auto operator<=>(const Place&) const = default;
};

class AManInTheMiddle : public testing::TestWithParam<Proof> {
 protected:
  AManInTheMiddle() {
    EXPECT_TRUE(write_file(path("seed"), seed_));
    EXPECT_TRUE(rpc::create_pki(directory_.path() / "makers", "makers.example", SystemClock{}.now()));
    auto proof = GetParam() == Proof::certificate ? certify() : measure();
    std::vector<std::string> argv{cli::find_program("sealift-sm").value().string(),
                                  "--credentials",
                                  pki_.files(Role::security_module, kTenant).string(),
                                  "--database",
                                  "sqlite:" + path("keys.db"),
                                  "--protector",
                                  "insecure-file:" + path("key"),
                                  "--create-key"};
    argv.insert(argv.end(), options_.begin(), options_.end());
    address_ = services_.start_service("sm", std::move(argv)).value();
    relay_ = std::make_unique<RelayForTest>(
        RelayForTest::Sides{pki_.credentials(Role::security_module, kTenant),
                            pki_.credentials(Role::tenant, kTenant), address_,
                            rpc::testing::World::identity(Role::security_module, kTenant)},
        [this](const std::string& method, Direction direction, google::protobuf::Message& message) {
          meddle(method.substr(method.find("v1.") + 3), direction, message);
        });
    const Json cloud{{"format", "sealift-cloud-v1"},
                     {"credentials", pki_.files(Role::tenant, kTenant).string()},
                     {"security_module", relay_->address()},
                     {"security_module_proof", std::move(proof)}};
    EXPECT_TRUE(write_file(path("cloud.json"), as_bytes(cloud.dump())));
  }
  ~AManInTheMiddle() override { services_.stop(); }

  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }

  /// A key in a file, which the customer's authority certified.
  Json certify() {
    const auto printed =
        run_checked({.argv = {cli::find_program("sealift-sm").value().string(), "insertion-key",
                              "--create-key", "--insertion-key", "insecure-file:" + path("insertion.key")}});
    EXPECT_TRUE(printed);
    EXPECT_TRUE(write_file(path("insertion.pub"), as_bytes(printed->out)));
    cli::sealift_json({"pki", "init", path("ours"), "--trust-domain", "acme.example"});
    cli::sealift_json(
        {"pki", "insertion", path("ours"), "--key", path("insertion.pub"), "--out", path("insertion.pem")});
    options_ = {"--insertion-key", "insecure-file:" + path("insertion.key"), "--insertion-certificates",
                path("insertion.pem")};
    return {{"roots", {"ours/ca.pem"}}, {"crls", {"ours/crl.pem"}}};
  }
  /// The TPM of the machine that it runs on.
  Json measure() {
    swtpm_.emplace(tpm::SwtpmForTest::start_with_certificates().value());
    options_ = {"--insertion-key", "tpm:" + swtpm_->tcti()};
    auto tpm = tpm::Tpm::open(swtpm_->tcti()).value();
    const auto state = tpm::read_pcrs(tpm, tpm::PcrSelection::parse("sha256:7").value()).value();
    return {{"roots", {swtpm_->root_ca().string()}},
            {"intermediates", {swtpm_->issuing_ca().string()}},
            {"pcrs", state.text()}};
  }

  void meddle(const std::string& method, Direction direction, google::protobuf::Message& message) {
    const auto bytes = message.SerializeAsString();
    for (const auto& secret : {std::string{as_text(seed_)}, root_in_policy_})
      EXPECT_EQ(bytes.find(secret), std::string::npos) << method;
    for (auto& field : fields_of(message)) seen_.insert({method, direction, std::move(field)});
    if (on_message_) on_message_(method, direction, message);
  }
  Output put() const {
    return cli::sealift({"seed", "put", kImage, "--seed", path("seed"), "--root", path("makers/ca.pem"),
                         "--pcr", "sha256:6=" + std::string(64, 'a'), "--cloud", path("cloud.json"),
                         "--json"});
  }
  std::string refusal(const Output& output) const {
    const auto json = Json::parse(output.err, nullptr, false);
    return json.is_object() ? json["error"].value("code", "") : output.err;
  }
  std::unique_ptr<rpc::Channel> direct() {
    return rpc::Channel::create({.address = address_,
                                 .credentials = pki_.credentials(Role::tenant, kTenant),
                                 .server = rpc::testing::World::identity(Role::security_module, kTenant)})
        .value();
  }
  v1::ListSeedsResponse kept() {
    return direct()
        ->call<v1::ListSeedsResponse>("sealift.v1.SeedService.ListSeeds", v1::ListSeedsRequest{})
        .value();
  }
  void forget() {
    v1::DeleteSeedRequest request;
    request.set_image_id(kImage);
    EXPECT_TRUE(direct()->call<v1::DeleteSeedResponse>("sealift.v1.SeedService.DeleteSeed", request));
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-insertion").value();
  const Bytes seed_ = Bytes(32, 0xd3);
  std::string root_in_policy_ = "makers.example";
  rpc::testing::World pki_;
  std::optional<tpm::SwtpmForTest> swtpm_;
  std::vector<std::string> options_;
  cli::Supervisor services_{directory_.path()};
  std::string address_;
  std::set<Place> seen_;
  std::function<void(const std::string&, Direction, google::protobuf::Message&)> on_message_;
  std::unique_ptr<RelayForTest> relay_;
};

INSTANTIATE_TEST_SUITE_P(Of, AManInTheMiddle, testing::Values(Proof::certificate, Proof::state),
                         [](const auto& which) {
                           return std::string{which.param == Proof::certificate ? "ACertifiedKey"
                                                                                : "AMeasuredMachine"};
                         });

TEST_P(AManInTheMiddle, LearnsNothing) {
  const auto output = put();
  EXPECT_EQ(output.exit_status, 0) << output.err;
  EXPECT_EQ(kept().seeds_size(), 1);
  EXPECT_FALSE(seen_.empty());
}

// Whatever it alters: the customer is told, or what was sent has arrived as it was sent.
TEST_P(AManInTheMiddle, AltersNothing) {
  ASSERT_EQ(put().exit_status, 0);
  const auto policy = kept().seeds(0).policy().SerializeAsString();
  const auto places = seen_;
  ASSERT_GT(places.size(), 10U);
  for (const auto& place : places) {
    SCOPED_TRACE(place.method + " " + place.field);
    forget();
    on_message_ = [&](const std::string& method, Direction direction, google::protobuf::Message& message) {
      if (method == place.method && direction == place.direction) (void)change_field(message, place.field);
    };
    const auto output = put();
    on_message_ = nullptr;
    const auto now = kept();
    EXPECT_TRUE(output.exit_status != 0 || now.seeds_size() == 1) << output.out;
    for (const auto& seed : now.seeds()) {
      EXPECT_EQ(seed.image_id(), kImage);
      EXPECT_EQ(seed.policy().SerializeAsString(), policy);
    }
  }
}

// The obvious attack: its own key in the place of the security module's, with whatever it has to show for it.
TEST_P(AManInTheMiddle, CannotPutItsOwnKeyInThePlace) {
  const auto own = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
  const auto validity = rpc::certificate_validity(SystemClock{}.now(), std::chrono::hours{1});
  const auto tls = read_file(pki_.files(Role::security_module, kTenant) / "certificate.pem", 65536).value();
  const std::vector<Bytes> shown{
      {},
      crypto::Certificate::parse(tls)->der(),
      rpc::issue_certificate(pki_.pki(), tee::insertion_certificate_draft(own.public_key(), "sm", validity))
          ->der()};
  for (const auto& certificate : shown) {
    int inserted = 0;
    on_message_ = [&](const std::string& method, Direction direction, google::protobuf::Message& message) {
      if (method == kInsert) ++inserted;
      if (method != kBegin || direction != Direction::answer) return;
      auto& begun = dynamic_cast<v1::BeginInsertionResponse&>(message);
      begun.set_insertion_key(std::string{as_text(own.public_key().der())});
      if (certificate.empty()) return;
      begun.mutable_proof()->clear_certificates();
      begun.mutable_proof()->clear_state();
      begun.mutable_proof()->add_certificates(std::string{as_text(certificate)});
    };
    const auto output = put();
    EXPECT_EQ(output.exit_status, 1) << output.err;
    EXPECT_EQ(inserted, 0) << "the customer sealed something to another's key";
    EXPECT_EQ(kept().seeds_size(), 0);
  }
}

TEST_P(AManInTheMiddle, ReplaysNothing) {
  v1::InsertSeedRequest recorded;
  on_message_ = [&](const std::string& method, Direction direction, google::protobuf::Message& message) {
    if (method == kInsert && direction == Direction::request)
      recorded = dynamic_cast<const v1::InsertSeedRequest&>(message);
  };
  ASSERT_EQ(put().exit_status, 0);
  forget();  // the customer withdrew it
  const auto again = direct()->call<v1::InsertSeedResponse>("sealift.v1.SeedService.InsertSeed", recorded);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::challenge_used);
  EXPECT_EQ(kept().seeds_size(), 0);

  // An earlier answer of the security module, shown to the customer who asks now.
  std::optional<v1::BeginInsertionResponse> earlier;
  on_message_ = [&](const std::string& method, Direction direction, google::protobuf::Message& message) {
    if (method != kBegin || direction != Direction::answer) return;
    auto& begun = dynamic_cast<v1::BeginInsertionResponse&>(message);
    if (!earlier) {
      earlier = begun;
      begun.set_insertion_key("");  // so that the customer gives up
    } else {
      begun = *earlier;
    }
  };
  EXPECT_NE(put().exit_status, 0);
  EXPECT_EQ(put().exit_status, 1);
  EXPECT_EQ(kept().seeds_size(), 0);
}

TEST_P(AManInTheMiddle, CannotSayThatItArrived) {
  on_message_ = [&](const std::string& method, Direction direction, google::protobuf::Message& message) {
    if (method == kInsert && direction == Direction::answer)
      dynamic_cast<v1::InsertSeedResponse&>(message).set_confirmation(std::string(32, 'x'));
  };
  const auto output = put();
  EXPECT_EQ(output.exit_status, 1);
  EXPECT_EQ(refusal(output), "authentication_failed");
}

// What the security module does not take is not sent by habit, either.
TEST_P(AManInTheMiddle, GetsNoSeedWithoutAProof) {
  root_in_policy_ = std::string(33, '\xd3');  // it is sent in the clear now, on demand
  const auto plain = [&](const std::string& cloud) {
    return cli::sealift({"seed", "put", kImage, "--seed", path("seed"), "--root", path("makers/ca.pem"),
                         "--pcr", "sha256:6=" + std::string(64, 'a'), "--cloud", cloud, "--json"});
  };
  auto json = Json::parse(as_text(read_file(path("cloud.json"), 65536).value()));
  json.erase("security_module_proof");
  EXPECT_TRUE(write_file(path("bare.json"), as_bytes(json.dump())));
  const auto refused = plain(path("bare.json"));
  EXPECT_EQ(refused.exit_status, 3);
  EXPECT_EQ(refusal(refused), "not_found");
  EXPECT_TRUE(seen_.empty());
  v1::PutSeedRequest request;
  request.set_image_id(kImage);
  const auto direct_put = direct()->call<v1::PutSeedResponse>("sealift.v1.SeedService.PutSeed", request);
  ASSERT_FALSE(direct_put);
  EXPECT_EQ(direct_put.error().code, ErrorCode::failed_precondition);
}

}  // namespace
}  // namespace sealift::e2e
