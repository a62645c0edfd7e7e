// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/operand.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "crypto/random.h"
#include "formats/esm/payload_keys.h"
#include "formats/fdt/fields.h"
#include "formats/fdt/tree.h"

namespace sealift::esm {
namespace {

constexpr auto kCode = ErrorCode::operand_malformed;

/// A field of a target and the sizes a TPM gives it: names and digests by SHA-256 to SHA-512, structures of
/// TPM 2.0 Part 2 with their 16-bit size in front.
struct TargetField {
  const char* name;
  Bytes Target::* member;
  std::size_t least;
  std::size_t most;
};
constexpr std::array<TargetField, 5> kTargetFields{{{"storage-key-name", &Target::storage_key_name, 34, 66},
                                                    {"policy", &Target::policy, 32, 64},
                                                    {"public", &Target::public_area, 4, 1024},
                                                    {"duplicate", &Target::duplicate, 4, 1024},
                                                    {"seed", &Target::seed, 4, 1024}}};

std::string target_name(std::size_t index) { return fmt::format("target-{}", index + 1); }

/// The node of payload entry `index`: integrity, customer-data-1, ...
std::string entry_node_name(std::size_t index) {
  return index == 0 ? std::string{kIntegrityName} : fmt::format("customer-data-{}", index);
}

bool good_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabelSize && label != kIntegrityName &&
         std::ranges::all_of(label, [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<Target> parse_target(const fdt::Node& node) {
  fdt::Fields fields{node, "/sealed-data/" + node.name, kCode};
  Target target;
  for (const auto& field : kTargetFields) {
    SEALIFT_TRY(const auto value, fields.bytes(field.name, field.least, field.most));
    target.*field.member = to_bytes(value);
  }
  SEALIFT_CHECK(fields.expect_no_more());
  return target;
}

Result<std::vector<Target>> parse_targets(const fdt::Node& node) {
  const fdt::Fields fields{node, "/sealed-data", kCode};
  SEALIFT_CHECK(fields.expect_no_more_properties());
  std::vector<Target> targets;
  std::set<Bytes> names;
  for (const auto& child : node.children) {
    if (child.name != target_name(targets.size())) {
      return fields.refuse(child.name, "not the next target: they are numbered from 1 without gaps");
    }
    SEALIFT_TRY(auto target, parse_target(child));
    if (!names.insert(target.storage_key_name).second) {
      return fields.refuse(child.name, "a second target for the same storage key");
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

Result<PayloadEntry> parse_entry(const fdt::Node& node, bool integrity) {
  fdt::Fields fields{node, "/payload/" + node.name, kCode};
  PayloadEntry entry{std::string{kIntegrityName}, {}, {}, {}};
  if (!integrity) {
    SEALIFT_TRY(entry.name, fields.text("label", kMaxLabelSize));
    if (!good_label(entry.name)) return fields.refuse("label", "not a name that customer data may have");
  }
  SEALIFT_TRY(const auto iv, fields.bytes("iv", kIvSize, kIvSize));
  std::ranges::copy(iv, entry.iv.begin());
  SEALIFT_TRY(const auto ciphertext, fields.bytes("ciphertext", 1, kMaxReservedSize));
  entry.ciphertext = to_bytes(ciphertext);
  SEALIFT_TRY(const auto tag, fields.bytes("tag", crypto::kGcmTagSize, crypto::kGcmTagSize));
  std::ranges::copy(tag, entry.tag.begin());
  SEALIFT_CHECK(fields.expect_no_more());
  return entry;
}

Result<std::vector<PayloadEntry>> parse_entries(const fdt::Node& node, const fdt::Fields& fields) {
  std::vector<PayloadEntry> entries;
  for (const auto& child : node.children) {
    if (child.name != entry_node_name(entries.size())) {
      return fields.refuse(child.name,
                           "not the next entry: integrity, then customer-data-1 and on without gaps");
    }
    SEALIFT_TRY(auto entry, parse_entry(child, entries.empty()));
    if (std::ranges::find(entries, entry.name, &PayloadEntry::name) != entries.end()) {
      return fields.refuse(child.name + "/label", "customer data of the same name twice");
    }
    entries.push_back(std::move(entry));
    if (entries.size() > kMaxCustomerData + 1) return fields.refuse(child.name, "too many entries");
  }
  if (entries.empty()) return fields.refuse(kIntegrityName, "the node is missing");
  return entries;
}

fdt::Node payload_node(const std::vector<PayloadEntry>& payload, ByteView hmac) {
  fdt::Node node{"payload", {}, {}};
  node.add_text("algorithm", {"AES-256-GCM", "HMAC-SHA512"}).add("hmac", hmac);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    const auto& entry = payload[i];
    auto& child = node.add_child(entry_node_name(i));
    if (i > 0) child.add_text("label", {entry.name});
    child.add("iv", entry.iv).add("ciphertext", entry.ciphertext).add("tag", entry.tag);
  }
  return node;
}

fdt::Node targets_node(const std::vector<Target>& targets) {
  fdt::Node node{"sealed-data", {}, {}};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    auto& child = node.add_child(target_name(i));
    for (const auto& field : kTargetFields) child.add(field.name, targets[i].*field.member);
  }
  return node;
}

/// The tree padded to the operand's size; operand_full where it is larger.
Result<Bytes> write(const Operand& operand) {
  fdt::Node root;
  root.add_text("compatible", {kCompatible}).add("image-id", operand.image_id().view());
  root.children.push_back(targets_node(operand.targets()));
  root.children.push_back(payload_node(operand.payload(), operand.hmac()));
  auto blob = fdt::serialise(root, operand.total_size());
  if (!blob && blob.error().code == ErrorCode::too_large) {
    return fail(ErrorCode::operand_full, "no room left in the operand: " + blob.error().message);
  }
  return blob;
}

Status check_fields(const Target& target) {
  for (const auto& field : kTargetFields) {
    const auto size = (target.*field.member).size();
    if (size < field.least || size > field.most) {
      return fail(ErrorCode::invalid_argument, fmt::format("the target's {} has {} bytes", field.name, size),
                  field.name);
    }
  }
  return {};
}

Status check_names(const std::vector<CustomerData>& customer_data) {
  std::set<std::string_view> names;
  for (const auto& item : customer_data) {
    if (!good_label(item.name)) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("'{}' cannot name customer data: 1 to {} visible ASCII characters, not '{}'",
                              item.name, kMaxLabelSize, kIntegrityName),
                  "name");
    }
    if (!names.insert(item.name).second) {
      return fail(ErrorCode::invalid_argument, fmt::format("two customer data named '{}'", item.name),
                  item.name);
    }
    if (item.value.empty()) {
      return fail(ErrorCode::invalid_argument, fmt::format("the customer data '{}' are empty", item.name),
                  item.name);
    }
  }
  if (customer_data.size() > kMaxCustomerData) {
    return fail(ErrorCode::invalid_argument, fmt::format("more than {} customer data", kMaxCustomerData));
  }
  return {};
}

PayloadEntry encrypt(ByteView key, const ImageId& image_id, std::string_view name, ByteView plaintext) {
  PayloadEntry entry{std::string{name}, crypto::random_array<kIvSize>(), {}, {}};
  auto sealed = crypto::gcm_encrypt(key, entry.iv, associated_data(image_id, name), plaintext);
  entry.ciphertext = std::move(sealed.ciphertext);
  entry.tag = sealed.tag;
  return entry;
}

}  // namespace

Result<Operand> Operand::parse(ByteView blob) {
  const auto root = fdt::parse(blob, kMaxReservedSize);
  if (!root) return fail(kCode, "the operand: " + root.error().message, root.error().field);
  fdt::Fields fields{*root, "/", kCode};
  SEALIFT_CHECK(fields.expect_text("compatible", {kCompatible}));
  SEALIFT_TRY(const auto id, fields.bytes("image-id", ImageId::kSize, ImageId::kSize));
  SEALIFT_TRY(const auto* sealed_data, fields.child("sealed-data"));
  SEALIFT_TRY(const auto* payload, fields.child("payload"));
  SEALIFT_CHECK(fields.expect_no_more());

  SEALIFT_TRY(const auto image_id, ImageId::from_bytes(id));
  Operand operand{image_id};
  operand.total_size_ = blob.size();
  SEALIFT_TRY(operand.targets_, parse_targets(*sealed_data));

  fdt::Fields payload_fields{*payload, "/payload", kCode};
  SEALIFT_CHECK(payload_fields.expect_text("algorithm", {"AES-256-GCM", "HMAC-SHA512"}));
  SEALIFT_TRY(const auto hmac, payload_fields.bytes("hmac", kHmacSize, kHmacSize));
  std::ranges::copy(hmac, operand.hmac_.begin());
  SEALIFT_CHECK(payload_fields.expect_no_more_properties());
  SEALIFT_TRY(operand.payload_, parse_entries(*payload, payload_fields));
  // Another tool's tree may be laid out more tightly than ours: never accept what cannot be written back.
  SEALIFT_CHECK(write(operand));
  return operand;
}

Bytes Operand::serialise() const { return write(*this).value(); }

const Target* Operand::find_target(ByteView storage_key_name) const noexcept {
  const auto found = std::ranges::find_if(
      targets_, [&](const Target& target) { return same_bytes(target.storage_key_name, storage_key_name); });
  return found == targets_.end() ? nullptr : &*found;
}

Status Operand::put_target(Target target) {
  SEALIFT_CHECK(check_fields(target));
  auto changed = *this;
  const auto found = std::ranges::find(changed.targets_, target.storage_key_name, &Target::storage_key_name);
  if (found == changed.targets_.end()) {
    changed.targets_.push_back(std::move(target));
  } else {
    *found = std::move(target);
  }
  SEALIFT_CHECK(write(changed));
  *this = std::move(changed);
  return {};
}

Status Operand::put_targets(std::vector<Target> targets) {
  auto changed = *this;
  std::map<Bytes, std::size_t> places;
  for (std::size_t i = 0; i < targets_.size(); ++i) places[targets_[i].storage_key_name] = i;
  for (auto& target : targets) {
    SEALIFT_CHECK(check_fields(target));
    const auto [place, added] = places.try_emplace(target.storage_key_name, changed.targets_.size());
    if (added) {
      changed.targets_.push_back(std::move(target));
    } else {
      changed.targets_[place->second] = std::move(target);
    }
  }
  for (auto fits = write(changed); !fits; fits = write(changed)) {
    if (fits.error().code != ErrorCode::operand_full || changed.total_size_ >= kMaxReservedSize)
      return tl::unexpected(fits.error());
    changed.total_size_ = std::min(2 * changed.total_size_, kMaxReservedSize);
  }
  *this = std::move(changed);
  return {};
}

Status Operand::remove_target(ByteView storage_key_name) {
  const auto removed = std::erase_if(
      targets_, [&](const Target& target) { return same_bytes(target.storage_key_name, storage_key_name); });
  if (removed == 0)
    return fail(ErrorCode::no_target_for_host, "the operand has no target for this storage key");
  return {};
}

Bytes Operand::hmac_input() const {
  ByteWriter input;
  input.text(kCompatible).bytes(image_id_.view());
  for (const auto& entry : payload_) {
    input.sized32(as_bytes(entry.name)).sized32(entry.iv).sized32(entry.ciphertext).bytes(entry.tag);
  }
  return std::move(input).take();
}

Result<Operand> make(const Seed& seed, const ImageId& image_id, const IntegrityInformation& integrity,
                     const std::vector<CustomerData>& customer_data, std::size_t reserved_size) {
  if (reserved_size < kMinReservedSize || reserved_size > kMaxReservedSize || reserved_size % 4 != 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("a reserve of {} bytes: {} to {} are possible, in steps of 4", reserved_size,
                            kMinReservedSize, kMaxReservedSize));
  }
  SEALIFT_CHECK(check_names(customer_data));
  SEALIFT_TRY(const auto integrity_tree, serialise_integrity(integrity));

  Operand operand{image_id};
  operand.total_size_ = reserved_size;
  const auto key = encryption_key(seed, image_id);
  operand.payload_.push_back(encrypt(key.expose(), image_id, kIntegrityName, integrity_tree));
  for (const auto& item : customer_data) {
    operand.payload_.push_back(encrypt(key.expose(), image_id, item.name, item.value.expose()));
  }
  std::ranges::copy(payload_hmac(operand, seed).view(), operand.hmac_.begin());
  SEALIFT_CHECK(write(operand));
  return operand;
}

}  // namespace sealift::esm
