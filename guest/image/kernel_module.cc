// SPDX-License-Identifier: Apache-2.0
#include "guest/image/kernel_module.h"

#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/file.h"

namespace sealift::image {
namespace {

constexpr std::size_t kMaxModuleSize = 64 << 20;
constexpr std::size_t kMaxListSize = 16 << 20;

/// Files have '-' where the kernel's names have '_', at times.
std::string module_name(const std::filesystem::path& file) {
  std::string name = file.filename();
  name.resize(std::min(name.find(".ko"), name.size()));
  std::ranges::replace(name, '-', '_');
  return name;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (part.empty()) continue;
    parts.emplace_back(part);
    std::ranges::replace(parts.back(), '-', '_');
  }
  return parts;
}

void read_modinfo(std::string_view section, ModuleNeeds& needs) {
  for (const auto& line : split(section, '\0')) {
    if (line.starts_with("depends=")) needs.depends = split(std::string_view{line}.substr(8), ',');
    if (!line.starts_with("softdep=")) continue;
    bool before = false;
    for (const auto& word : split(std::string_view{line}.substr(8), ' ')) {
      if (word.ends_with(':'))
        before = word == "pre:";
      else if (before)
        needs.better.push_back(word);
    }
  }
}

/// Modules in load order, by depth-first search.
class Loader {
 public:
  Loader(const std::map<std::string, std::filesystem::path, std::less<>>& files,
         const std::set<std::string, std::less<>>& built_in)
      : files_{files}, built_in_{built_in} {}

  Status add(const std::string& name, bool required, const std::string& needed_by) {
    if (built_in_.contains(name)) return {};
    if (const auto known = positions_.find(name); known != positions_.end()) {
      if (required) require(name);
      return {};
    }
    const auto file = files_.find(name);
    if (file == files_.end()) {
      if (!required) return {};
      return fail(
          ErrorCode::dependency_missing,
          "the kernel has no module " + name + (needed_by.empty() ? "" : ", which " + needed_by + " needs"),
          name);
    }
    if (file->second.extension() != ".ko")
      return fail(ErrorCode::unsupported,
                  "the kernel module " + file->second.filename().string() + " is compressed", name);
    positions_[name] = kInProgress;
    SEALIFT_TRY(auto object, read_file(file->second, kMaxModuleSize));
    SEALIFT_TRY(const auto needs, read_module_needs(object, name));
    needs_[name] = needs;
    for (const auto& other : needs.better) SEALIFT_CHECK(add(other, false, name));
    for (const auto& other : needs.depends) SEALIFT_CHECK(add(other, required, name));
    positions_[name] = modules_.size();
    modules_.push_back({name, required, std::move(object)});
    return {};
  }
  std::vector<KernelModule> take() && { return std::move(modules_); }

 private:
  static constexpr std::size_t kInProgress = ~std::size_t{0};

  /// What was added as optional turns out to be needed, and so does all it depends on.
  void require(const std::string& name) {
    const auto position = positions_.find(name);
    if (position == positions_.end() || position->second == kInProgress) return;
    auto& module = modules_[position->second];
    if (module.required) return;
    module.required = true;
    for (const auto& other : needs_[name].depends) require(other);
  }

  const std::map<std::string, std::filesystem::path, std::less<>>& files_;
  const std::set<std::string, std::less<>>& built_in_;
  std::map<std::string, std::size_t, std::less<>> positions_;
  std::map<std::string, ModuleNeeds, std::less<>> needs_;
  std::vector<KernelModule> modules_;
};

struct ElfCloser {
  void operator()(Elf* elf) const noexcept { elf_end(elf); }
};

}  // namespace

Result<ModuleNeeds> read_module_needs(ByteView object, const std::string& name) {
  elf_version(EV_CURRENT);
  Bytes copy = to_bytes(object);  // libelf wants to be able to write
  const std::unique_ptr<Elf, ElfCloser> elf{elf_memory(reinterpret_cast<char*>(copy.data()), copy.size())};
  std::size_t names = 0;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || elf_getshdrstrndx(elf.get(), &names) != 0)
    return fail(ErrorCode::malformed, "a kernel module is no ELF file", name);
  ModuleNeeds needs;
  for (Elf_Scn* section = elf_nextscn(elf.get(), nullptr); section != nullptr;
       section = elf_nextscn(elf.get(), section)) {
    GElf_Shdr header{};
    if (gelf_getshdr(section, &header) == nullptr) continue;
    const char* section_name = elf_strptr(elf.get(), names, header.sh_name);
    const Elf_Data* data = elf_rawdata(section, nullptr);
    if (section_name == nullptr || std::strcmp(section_name, ".modinfo") != 0 || data == nullptr) continue;
    if (data->d_buf != nullptr) read_modinfo({static_cast<const char*>(data->d_buf), data->d_size}, needs);
  }
  return needs;
}

Result<ModuleDirectory> ModuleDirectory::open(const std::filesystem::path& directory) {
  ModuleDirectory modules;
  std::error_code error;
  using Iterator = std::filesystem::recursive_directory_iterator;
  for (auto it = Iterator{directory, error}; !error && it != Iterator{}; it.increment(error)) {
    const auto& path = it->path();
    if (path.filename().string().find(".ko") != std::string::npos && it->is_regular_file(error))
      modules.files_.try_emplace(module_name(path), path);
  }
  if (error)
    return fail(ErrorCode::not_found, "cannot read " + directory.string() + ": " + error.message(),
                "modules");
  const auto list = read_file(directory / "modules.builtin", kMaxListSize);
  if (list)
    for (const auto& line : split(as_text(*list), '\n')) modules.built_in_.insert(module_name(line));
  return modules;
}

Result<std::vector<KernelModule>> ModuleDirectory::load(const std::vector<std::string>& required,
                                                        const std::vector<std::string>& optional) const {
  Loader loader{files_, built_in_};
  for (const auto& name : optional) SEALIFT_CHECK(loader.add(name, false, ""));
  for (const auto& name : required) SEALIFT_CHECK(loader.add(name, true, ""));
  return std::move(loader).take();
}

}  // namespace sealift::image
