// SPDX-License-Identifier: Apache-2.0
/// For tests: an HTTP server that answers exactly what a test says, however wrong.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace sealift::objects {

struct SeenRequest {
  std::string head;  ///< request line and headers, each with its \r\n
  std::string body;
};

/// "HTTP/1.1 200 OK" with these headers ("A: b\r\n…"), a Content-Length and the body.
std::string http_answer(const std::string& status, const std::string& body, const std::string& headers = {});

class HttpServerForTest {
 public:
  struct Answer {
    Answer(std::string text) : bytes{std::move(text)} {}
    Answer(std::string text, bool hang) : bytes{std::move(text)}, hangs{hang} {}
    std::string bytes;   ///< as sent
    bool hangs = false;  ///< the connection stays open, and silent, until the server ends
  };
  /// Called for each request, one after the other, with how many came before.
  using Handler = std::function<Answer(const SeenRequest&, std::size_t)>;

  explicit HttpServerForTest(Handler handler);
  HttpServerForTest(const HttpServerForTest&) = delete;
  HttpServerForTest& operator=(const HttpServerForTest&) = delete;
  ~HttpServerForTest();

  /// "127.0.0.1:12345"
  std::string address() const;
  std::vector<SeenRequest> requests() const;

 private:
  void accept_all();
  void serve(UniqueFd connection);

  Handler handler_;
  UniqueFd listener_;
  std::string port_;
  mutable std::mutex mutex_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::vector<SeenRequest> requests_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace sealift::objects
