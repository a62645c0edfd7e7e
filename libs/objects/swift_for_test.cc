// SPDX-License-Identifier: Apache-2.0
#include "objects/swift_for_test.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "objects/s3_client.h"

namespace sealift::objects {
namespace {

constexpr std::chrono::minutes kStart{3};  // on a machine that is busy with other things

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

/// One line of digits.
Result<std::string> read_port(int fd) {
  const auto end = std::chrono::steady_clock::now() + kStart;
  std::string line;
  while (!line.ends_with('\n')) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0)
      return fail(ErrorCode::timeout, "Swift did not start");
    char c = 0;
    if (::read(fd, &c, 1) != 1) return fail(ErrorCode::unavailable, "Swift ended");
    line += c;
  }
  line.pop_back();
  return line;
}

Status make_certificate(const std::filesystem::path& directory, const std::string& name) {
  SEALIFT_CHECK(
      run_checked({.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-keyout", directory / "key.pem", "-out", directory / "certificate.pem",
                            "-subj", "/CN=swift", "-days", "2", "-addext", "subjectAltName=" + name}}));
  return {};
}

}  // namespace

Result<SwiftForTest> SwiftForTest::start(const Place& place) {
  SEALIFT_TRY(auto directory, TemporaryDirectory::create("swift"));
  SwiftForTest swift{std::move(directory)};
  SEALIFT_CHECK(make_certificate(swift.directory_.path(), place.name));
  SEALIFT_CHECK(write_file(swift.directory_.path() / "secret", as_bytes("testing\n")));
  auto status = swift.launch(place);
  if (status) return swift;
  if (const auto log = read_file(swift.directory_.path() / "log", 1U << 20U))
    status.error().message += ": " + std::string{as_text(*log)};
  return tl::unexpected{status.error()};
}

Status SwiftForTest::launch(const Place& place) {
  const auto& folder = directory_.path();
  SEALIFT_TRY(auto input, make_pipe());
  SEALIFT_TRY(const auto output, make_pipe());
  SEALIFT_TRY(const auto log, open_file(folder / "log", O_WRONLY | O_CREAT));
  SEALIFT_TRY(process_,
              spawn({.argv = {"setpriv", "--pdeathsig", "KILL", SEALIFT_SWIFT_SERVER, folder / "data",
                              folder / "certificate.pem", folder / "key.pem", place.address, place.port},
                     .stdin_fd = input.read.get(),
                     .stdout_fd = output.write.get(),
                     .stderr_fd = log.get()}));
  input_ = std::move(input.write);
  SEALIFT_TRY(port_, read_port(output.read.get()));
  return {};
}

std::string SwiftForTest::url(const std::string& bucket) const {
  return "s3+https://127.0.0.1:" + port_ + "/" + bucket +
         "?region=us-east-1&access_key=test:tester&secret_file=" + (directory_.path() / "secret").string() +
         "&ca_file=" + ca_file().string();
}

S3Config SwiftForTest::config(const std::string& bucket) const { return parse_s3_url(url(bucket)).value(); }

Status SwiftForTest::create_bucket(const std::string& bucket) const {
  const SystemClock clock;
  S3Client client{config(bucket), clock};
  SEALIFT_CHECK(client.send({.method = "PUT"}));
  return {};
}

}  // namespace sealift::objects
