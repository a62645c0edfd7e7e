// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/guest/guest_for_test.h"

#include <libfdt.h>

#include <cstdlib>

#include "formats/cpio/head.h"

namespace sealift::pef {
namespace {

crypto::Digest sha512(ByteView bytes) { return crypto::digest(crypto::HashAlgorithm::sha512, bytes); }

/// Also without a test around it.
void must(bool holds) {
  if (!holds) std::abort();
}
template <typename T>
void must(const Result<T>& result) {
  must(result.has_value());
}

template <typename Count>
int int_of(Count count) {
  return static_cast<int>(count);
}

}  // namespace

Result<SecretBytes> SealOpenerForTest::open(const esm::Target&) {
  if (refusal_) return fail(*refusal_, "refused for the test", "sha256:6");
  return SecretBytes::copy_of(seed_);
}

Result<SecretBytes> LockboxOpenerForTest::open(ByteView encrypted_key) {
  if (refusal_) return fail(*refusal_, "refused for the test", "sha256:6");
  return key_.oaep_decrypt(crypto::HashAlgorithm::sha256, {}, encrypted_key);
}

const crypto::PrivateKey& LockboxOpenerForTest::key() {
  static const auto kKey = crypto::PrivateKey::generate_rsa(2048).value();
  return kKey;
}

esm::Target SealOpenerForTest::target() const {
  return {name_, Bytes(32, 1), Bytes(60, 2), Bytes(100, 3), Bytes(256, 4)};
}

Bytes random_bytes(std::size_t size) {
  Bytes bytes(size);
  crypto::fill_random(bytes);
  return bytes;
}

Bytes cells64(std::uint64_t value) {
  ByteWriter writer;
  return writer.be64(value).view();
}

Bytes cells32(std::uint32_t value) {
  ByteWriter writer;
  return writer.be32(value).view();
}

Bytes text_value(std::string_view text) {
  auto value = to_bytes(as_bytes(text));
  value.push_back(0);
  return value;
}

Bytes make_boot_tree(const std::vector<TreeProperty>& properties, const std::vector<Range>& reserved) {
  Bytes blob(64U << 10U);
  auto* const fdt = blob.data();
  must(fdt_create(fdt, int_of(blob.size())) == 0);
  for (const auto& range : reserved) must(fdt_add_reservemap_entry(fdt, range.start, range.size) == 0);
  must(fdt_finish_reservemap(fdt) == 0);
  must(fdt_begin_node(fdt, "") == 0);
  std::string open;
  for (const auto& property : properties) {
    if (property.node != open) {
      if (!open.empty()) {
        must(fdt_end_node(fdt) == 0);
      }
      must(fdt_begin_node(fdt, property.node.c_str()) == 0);
      open = property.node;
    }
    const int size = int_of(property.value.size());
    must(fdt_property(fdt, property.name.c_str(), property.value.data(), size) == 0);
  }
  if (!open.empty()) {
    must(fdt_end_node(fdt) == 0);
  }
  must(fdt_end_node(fdt) == 0);
  must(fdt_finish(fdt) == 0);
  blob.resize(fdt_totalsize(fdt));
  return blob;
}

esm::IntegrityInformation GuestForTest::integrity() const {
  return {.kernel = sha512(kernel),
          .initrd = sha512(rest),
          .bootargs = sha512(as_bytes(kCmdline)),
          .rtas = sha512(rtas),
          .kernel_size = static_cast<std::uint32_t>(kernel.size())};
}

GuestForTest::GuestForTest(std::size_t kernel_size, std::size_t rest_size)
    : kernel{random_bytes(kernel_size)},
      rest{random_bytes(rest_size)},
      rtas{to_bytes(esm::slof_rtas())},
      operand{[this] {
        std::vector<esm::CustomerData> data;
        data.push_back({"root-disk-passphrase", SecretBytes::copy_of(as_bytes("correct horse"))});
        return esm::make(seed, esm::ImageId::random(), integrity(), data).value();
      }()} {
  must(operand.put_target(opener.target()));
  initrd = cpio::make_head(operand.serialise()).value();
  initrd.insert(initrd.end(), rest.begin(), rest.end());
  tree = {{"chosen", "bootargs", text_value(kCmdline)},
          {"chosen", "linux,initrd-start", cells64(kInitrd)},
          {"chosen", "linux,initrd-end", cells64(kInitrd + initrd.size())},
          {"rtas", "linux,rtas-base", cells32(static_cast<std::uint32_t>(kRtas))},
          {"rtas", "rtas-size", cells32(2048)},
          {"rtas", "slof,rtas-size", cells32(static_cast<std::uint32_t>(rtas.size()))}};
  lay_out();
}

void GuestForTest::lay_out() {
  const auto put = [this](std::uint64_t address, ByteView bytes) {
    must(memory.write(address, bytes, "test"));
  };
  put(kCall.kernel_base, kernel);
  put(kInitrd, initrd);
  put(kRtas, rtas);
  put(kCall.fdt_address, make_boot_tree(tree, reserved));
}

void GuestForTest::use_ibms_format(const std::function<void(ibm_esm::OpenedBlob&)>& change) {
  const auto recipient =
      ibm_esm::Recipient::from_pem(as_bytes(crypto::PrivateKey::generate_rsa(2048)->public_key().pem()))
          .value();
  auto opened = ibm_esm::OpenedBlob::make(recipient).value();
  must(opened.authorise(ibm_esm::Recipient::from_pem(as_bytes(lockboxes.wrapping_key().pem())).value()));
  must(opened.set_integrity(integrity()));
  must(opened.attach("root-disk-passphrase", as_bytes("correct horse")));
  if (change) change(opened);
  blob = opened.serialise().value();
  initrd = cpio::make_head(*blob).value();
  initrd.insert(initrd.end(), rest.begin(), rest.end());
  set("chosen", "linux,initrd-end", cells64(kInitrd + initrd.size()));
}

void GuestForTest::set(const std::string& node, const std::string& name, Bytes value) {
  for (auto& property : tree) {
    if (property.node != node || property.name != name) continue;
    property.value = std::move(value);
    return lay_out();
  }
  auto at = tree.begin();
  while (at != tree.end() && at->node == node) ++at;
  if (node == "rtas") at = tree.end();
  tree.insert(at, {node, name, std::move(value)});
  lay_out();
}

void GuestForTest::remove(const std::string& name) {
  std::erase_if(tree, [&](const TreeProperty& property) { return property.name == name; });
  lay_out();
}

void GuestForTest::move_operand_to_wrapper(std::uint64_t address) {
  const auto bytes = operand_bytes();
  initrd = rest;
  must(memory.write(address, bytes, "test"));
  set("chosen", "linux,initrd-end", cells64(kInitrd + initrd.size()));
  set("chosen", "linux,esm-blob-start", cells64(address));
  set("chosen", "linux,esm-blob-end", cells64(address + bytes.size()));
}

Result<SecureGuest> GuestForTest::ask(const EsmCall& call) {
  steps.clear();
  return enter_secure_mode(memory, call, {opener, lockboxes},
                           [this](std::string_view step) { steps.emplace_back(step); });
}

}  // namespace sealift::pef
