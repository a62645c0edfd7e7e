// SPDX-License-Identifier: Apache-2.0
/// sealift audit: what the security module decided, and whether its log tells the same to everybody.
#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/cloud/cloud.h"
#include "cli/commands/audit.h"
#include "cli/inputs.h"
#include "cli/sev_inputs.h"
#include "crypto/x509.h"
#include "merkle/log.h"
#include "sealift/v1/audit.pb.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kKeyLimit = 16UL * 1024;
constexpr std::uint32_t kMostEntries = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kBundleLimit = std::size_t{1} << 30U;

struct ExportOptions {
  CloudOptions cloud;
  Path out;
  Path key;
  std::string from = "0";
};
struct VerifyOptions {
  Path file;
  Path key;
  std::vector<Path> known;
};
struct ProveOptions {
  Path bundle;
  Path out;
  std::string entry = "0";
};
struct TailOptions {
  Path bundle;
  std::uint32_t lines = 10;
};

Result<merkle::Hash> read_hash(const std::string& bytes, const char* what) {
  merkle::Hash hash{};
  if (bytes.size() != hash.size())
    return fail(ErrorCode::malformed, "the security module's answer has a hash of another size", what);
  std::ranges::copy(bytes, hash.begin());
  return hash;
}

Result<merkle::BundleEntry> read_entry(const v1::LogEntry& entry) {
  if (entry.has_entry()) return merkle::BundleEntry{to_bytes(as_bytes(entry.entry()))};
  SEALIFT_TRY(const auto hash, read_hash(entry.leaf_hash(), "entries"));
  return merkle::BundleEntry{hash};
}

Status begin(merkle::Bundle& bundle, std::uint64_t from, const v1::ExportLogResponse& page) {
  std::vector<merkle::Hash> peaks;
  for (const auto& bytes : page.peaks()) {
    SEALIFT_TRY(const auto peak, read_hash(bytes, "peaks"));
    peaks.push_back(peak);
  }
  SEALIFT_TRY(bundle.before, merkle::Frontier::create(from, std::move(peaks)));
  ByteReader reader{as_bytes(page.head())};
  SEALIFT_TRY(bundle.head, merkle::read_head(reader));
  if (bundle.head.size < from)
    return fail(ErrorCode::malformed, "the log's head is older than where the entries begin", "head");
  return reader.expect_end();
}

struct Exported {
  merkle::Bundle bundle;
  crypto::PublicKey key;
};

Result<Exported> fetch(rpc::Channel& security_module, std::uint64_t from, Progress& progress) {
  v1::ExportLogRequest request;
  request.set_from(from);
  merkle::Bundle bundle;
  std::optional<crypto::PublicKey> key;
  progress.start("fetching the log", 0);
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page,
                security_module.call<v1::ExportLogResponse>("sealift.v1.AuditService.ExportLog", request));
    if (!key) {
      SEALIFT_TRY(key, crypto::PublicKey::parse(as_bytes(page.public_key())));
      SEALIFT_CHECK(begin(bundle, from, page));
      request.set_to(bundle.head.size);
    }
    if (static_cast<std::size_t>(page.entries_size()) > bundle.head.size - request.from())
      return fail(ErrorCode::malformed, "the security module sends more entries than its log has", "entries");
    for (const auto& entry : page.entries()) {
      SEALIFT_TRY(auto read, read_entry(entry));
      bundle.entries.push_back(std::move(read));
    }
    request.set_from(from + bundle.entries.size());
    progress.advance(page.ByteSizeLong());
    more = page.more() && page.entries_size() > 0;
  }
  progress.finish();
  return Exported{std::move(bundle), std::move(*key)};
}

Result<crypto::PublicKey> read_key(const Path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, kKeyLimit));
  return in_file(path, crypto::PublicKey::parse(bytes));
}

/// The key that was seen first is the one that counts.
Status keep_key(const Path& path, const crypto::PublicKey& key) {
  const auto kept = read_key(path);
  if (!kept && kept.error().code == ErrorCode::not_found) return write_file(path, as_bytes(key.pem()));
  if (!kept) return tl::unexpected(kept.error());
  if (*kept == key) return {};
  return fail(ErrorCode::conflict,
              fmt::format("the log has another key than the one in {}: it is another log", path.string()),
              "--key");
}

Status export_log(const ExportOptions& options, Context& context) {
  SEALIFT_TRY(const auto from, parse_number(options.from, "--from", kMostEntries));
  SEALIFT_TRY(const auto cloud, Cloud::open(options.cloud));
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  SEALIFT_TRY(const auto exported, fetch(*security_module, from, context.progress()));
  SEALIFT_CHECK(exported.bundle.verify(exported.key));
  SEALIFT_CHECK(keep_key(options.key, exported.key));
  SEALIFT_CHECK(write_file(options.out, exported.bundle.written()));
  return context.report(
      Json{{"bundle", options.out.string()},
           {"key", options.key.string()},
           {"log", to_hex(merkle::log_id(exported.key))},
           {"from", from},
           {"size", exported.bundle.head.size}},
      fmt::format("{} entries of {} in {}; the log's key is in {}\n", exported.bundle.entries.size(),
                  exported.bundle.head.size, options.out.string(), options.key.string()));
}

/// Of a bundle or a receipt.
Result<merkle::SignedHead> head_of(const Path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, kBundleLimit));
  if (const auto receipt = merkle::Receipt::parse(bytes)) return receipt->head;
  SEALIFT_TRY(const auto bundle, in_file(path, merkle::Bundle::parse(bytes)));
  return bundle.head;
}

Json head_json(const merkle::SignedHead& head) {
  return {{"size", head.size},
          {"root", to_hex(head.root)},
          {"time", crypto::utc_text(static_cast<std::int64_t>(head.time_ms / 1000))}};
}

Status verify_receipt(const merkle::Receipt& receipt, const crypto::PublicKey& key,
                      const std::vector<merkle::SignedHead>& known, Context& context) {
  SEALIFT_CHECK(receipt.verify(key));
  for (const auto& head : known) {
    SEALIFT_CHECK(merkle::verify_head(key, head));
    SEALIFT_CHECK(merkle::expect_same_history(receipt.head, head));
  }
  return context.report(
      Json{{"verdict", "holds"}, {"entry", receipt.index}, {"head", head_json(receipt.head)}},
      fmt::format("entry {} is in the log, which had {} entries then\n", receipt.index, receipt.head.size));
}

Status verify_bundle(const merkle::Bundle& bundle, const crypto::PublicKey& key,
                     const std::vector<merkle::SignedHead>& known, Context& context) {
  SEALIFT_TRY(const auto verdict, bundle.verify(key, known));
  auto text =
      fmt::format("entries {} to {} are what the log's head of {} was signed over\n", bundle.before.size(),
                  bundle.head.size, crypto::utc_text(static_cast<std::int64_t>(bundle.head.time_ms / 1000)));
  if (!known.empty())
    text += fmt::format("{} of {} known heads are of the same history; {} lie outside this bundle\n",
                        verdict.compared, known.size(), verdict.out_of_range);
  return context.report(Json{{"verdict", "holds"},
                             {"from", bundle.before.size()},
                             {"head", head_json(bundle.head)},
                             {"compared", verdict.compared},
                             {"out_of_range", verdict.out_of_range}},
                        text);
}

Status verify(const VerifyOptions& options, Context& context) {
  SEALIFT_TRY(const auto key, read_key(options.key));
  std::vector<merkle::SignedHead> known;
  for (const auto& path : options.known) {
    SEALIFT_TRY(auto head, head_of(path));
    known.push_back(std::move(head));
  }
  SEALIFT_TRY(const auto bytes, read_file(options.file, kBundleLimit));
  if (const auto receipt = merkle::Receipt::parse(bytes))
    return verify_receipt(*receipt, key, known, context);
  SEALIFT_TRY(const auto bundle, in_file(options.file, merkle::Bundle::parse(bytes)));
  return verify_bundle(bundle, key, known, context);
}

Result<merkle::Bundle> read_bundle(const Path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, kBundleLimit));
  return in_file(path, merkle::Bundle::parse(bytes));
}

Status prove(const ProveOptions& options, Context& context) {
  SEALIFT_TRY(const auto entry, parse_number(options.entry, "--entry", kMostEntries));
  SEALIFT_TRY(const auto bundle, read_bundle(options.bundle));
  SEALIFT_TRY(const auto receipt, bundle.receipt(entry));
  SEALIFT_CHECK(write_file(options.out, receipt.written()));
  return context.report(
      Json{{"receipt", options.out.string()}, {"entry", receipt.index}, {"hashes", receipt.proof.size()}},
      fmt::format("{} proves entry {} to whoever has the log's key\n", options.out.string(), receipt.index));
}

Status tail(const TailOptions& options, Context& context) {
  SEALIFT_TRY(const auto bundle, read_bundle(options.bundle));
  auto entries = Json::array();
  std::string text;
  std::size_t left = options.lines;
  for (std::size_t i = bundle.entries.size(); i-- > 0 && left > 0;) {
    const auto* const entry = std::get_if<Bytes>(&bundle.entries[i]);
    if (entry == nullptr) continue;
    --left;
    const auto number = bundle.before.size() + i;
    entries.insert(entries.begin(), Json{{"entry", number}, {"text", printable(as_text(*entry))}});
    text.insert(0, fmt::format("{:>8}  {}\n", number, printable(as_text(*entry))));
  }
  return context.report(Json{{"entries", entries}}, text.empty() ? "no entries of yours\n" : text);
}

}  // namespace

void declare_audit(Command root) {
  auto group = root.group("audit", "The log of what your security module decided",
                          "sealift audit verify log.bundle --key log.pem");
  auto exporting = std::make_shared<ExportOptions>();
  auto fetching = group.command("export", "Fetch the log: your entries, and hashes of the others",
                                "sealift audit export --out log.bundle --key log.pem",
                                [exporting](Context& context) { return export_log(*exporting, context); });
  fetching.path("--out", exporting->out, kFile, "the bundle", Need::required)
      .path("--key", exporting->key, kFile,
            "the log's key: compared with the file's, or kept there the first time", Need::required)
      .text("--from", exporting->from, "N", "how many entries to leave out");
  declare_cloud(fetching, exporting->cloud);

  auto verifying = std::make_shared<VerifyOptions>();
  group
      .command("verify", "Check a bundle or a receipt, and that it tells what others told",
               "sealift audit verify log.bundle --key log.pem --known last-month.bundle",
               [verifying](Context& context) { return verify(*verifying, context); })
      .path("FILE", verifying->file, kFile, "a bundle or a receipt", Need::required)
      .path("--key", verifying->key, kFile, "the log's public key", Need::required)
      .paths("--known", verifying->known, kFile, "earlier or other bundles and receipts of the same log");

  auto proving = std::make_shared<ProveOptions>();
  group
      .command("prove", "Make a receipt for one entry, to show to others",
               "sealift audit prove log.bundle --entry 17 --out entry-17.receipt",
               [proving](Context& context) { return prove(*proving, context); })
      .path("BUNDLE", proving->bundle, kFile, "from the log's first entry on", Need::required)
      .text("--entry", proving->entry, "N", "which (default: 0, the first)")
      .path("--out", proving->out, kFile, "the receipt", Need::required);

  auto tailing = std::make_shared<TailOptions>();
  group
      .command("tail", "Show your last entries of a bundle", "sealift audit tail log.bundle --lines 50",
               [tailing](Context& context) { return tail(*tailing, context); })
      .path("BUNDLE", tailing->bundle, kFile, "the bundle", Need::required)
      .number("--lines", tailing->lines, "how many (10)");
}

}  // namespace sealift::cli
