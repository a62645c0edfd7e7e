// SPDX-License-Identifier: Apache-2.0
// Many images sealed to other hosts in one batch: RSA storage keys, the whole security module on SQLite with
// its log, as one thread asks it. Beside it the one operation that no seal can do without.
//   reseal_bench [IMAGES [HOSTS]]      5000 20 for the hundred thousand of the goal
#include "bench/measure.h"
#include "bench/raw_oaep.h"
#include "crypto/random.h"
#include "services/securitymodule/domain/audit_log.h"
#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::bench {
namespace {

using namespace securitymodule;

constexpr double kSeals = 100'000;
constexpr const char* kSet = "fleet";

class Batch {
 public:
  Batch(int images, int hosts) {
    add_hosts(hosts);
    for (int i = 0; i < images; ++i) images_.push_back(new_image());
  }

  /// CPU seconds of all of it.
  double seal_all() {
    const auto hosts = static_cast<std::size_t>(set_.hosts_size());
    const auto at_once = std::max<std::size_t>(kMaxSealedAtOnce / hosts, 1);
    return own_cpu_seconds_of([&] {
      for (std::size_t from = 0; from < images_.size(); from += at_once) {
        v1::SealToSetRequest request;
        request.set_name(kSet);
        for (auto i = from; i < std::min(from + at_once, images_.size()); ++i)
          request.add_image_ids(images_[i]);
        check(must(sm_.seal_to_set(asker(), request)));
      }
    });
  }
  double floor() const {
    const RawOaep raw{must(host_.storage_key.key())};
    constexpr int kCount = 20'000;
    return own_cpu_seconds_of([&] {
             for (int i = 0; i < kCount; ++i) raw();
           }) /
           kCount;
  }
  double seals() const { return static_cast<double>(images_.size()) * set_.hosts_size(); }

 private:
  static v1::SeedPolicy policy() {
    auto made = policy_for_test();
    made.set_require_crl(false);
    return made;
  }
  std::string new_image() {
    v1::PutSeedRequest request;
    request.set_image_id(to_hex(crypto::random_array<16>()));
    *request.mutable_policy() = policy();
    must(sm_.put_seed(asker(), request, seed_of(1)));
    return request.image_id();
  }
  /// Storage keys of their own behind one EK: what differs for the security module.
  void add_hosts(int count) {
    const auto image = new_image();
    set_.set_name(kSet);
    for (int i = 0; i < count; ++i) {
      host_.storage_key = tpm::storage_key_of(tpm::fresh_key(tpm::KeyKind::rsa2048), tpm::KeyKind::rsa2048);
      v1::RequestAuthorizationRequest request;
      request.set_tenant(kTenant);
      request.set_image_id(image);
      request.set_tee("measured");
      request.set_evidence(text_of(host_.evidence()));
      const auto asked = must(sm_.request_authorization(asker(), request));
      v1::AnswerQuestionRequest answer;
      answer.set_tenant(kTenant);
      answer.set_image_id(image);
      answer.set_question_id(asked.question().question_id());
      const auto credential = must(tpm::parse_credential_file(as_bytes(asked.question().question())));
      answer.set_answer(text_of(must(host_.activate(credential))));
      must(sm_.answer_question(asker(), answer));
      set_.add_hosts(text_of(host_.storage_key.name().view()));
    }
    must(sm_.put_set(asker(), set_));
  }
  static void check(const v1::SealToSetResponse& response) {
    for (const auto& image : response.images()) {
      for (const auto& host : image.hosts()) {
        if (!host.has_sealed_data())
          give_up({ErrorCode::internal, "a host is refused: " + host.DebugString(), {}, {}});
      }
      if (image.has_refusal()) give_up({ErrorCode::internal, "an image is refused", {}, {}});
    }
  }

  TemporaryDirectory directory_ = must(TemporaryDirectory::create("sealift-bench"));
  FakeClock clock_{test_pki::now()};
  Limits limits_;
  StoresForTest stores_{"sqlite:" + (directory_.path() / "keys.db").string()};
  Vault vault_{root_key_of(7)};
  std::unique_ptr<store::AuditStore> audit_store_ = store::make_audit_store(*stores_.database);
  std::unique_ptr<AuditLog> audit_ = must(AuditLog::open(*audit_store_, vault_, clock_));
  SecurityModule sm_{{kTenant}, stores_.all(), vault_, clock_, limits_, *audit_};
  tee::HostForTest host_;
  v1::HostSet set_;
  std::vector<std::string> images_;
};

void run(int images, int hosts) {
  Batch batch{images, hosts};
  const auto before = batch.floor();
  const auto made = batch.seal_all();
  const auto floor = (before + batch.floor()) / 2;
  const auto each = made / batch.seals();
  report("re-seal: CPU seconds on one core for 100,000", each * kSeals, Goal::at_most, 60);
  note("re-seals a second of CPU", 1 / each);
  note("raw OAEP / one re-seal", floor / each);
  note("the same again, from what is stored: CPU seconds for 100,000",
       batch.seal_all() / batch.seals() * kSeals);
  note("measured over so many", batch.seals());
}

}  // namespace
}  // namespace sealift::bench

int main(int argc, char** argv) {
  const int images = argc > 1 ? std::atoi(argv[1]) : 250;
  const int hosts = argc > 2 ? std::atoi(argv[2]) : 20;
  sealift::bench::run(std::max(images, 1), std::clamp(hosts, 1, 1000));
}
