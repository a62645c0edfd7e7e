// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/gdb/registers.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::pef {
namespace {

using Documents = std::map<std::string, std::string>;

Result<Registers> read(const Documents& documents) {
  return read_registers([&](const std::string& name) -> Result<std::string> {
    const auto found = documents.find(name);
    if (found == documents.end()) return fail(ErrorCode::unsupported, "no such document", name);
    return found->second;
  });
}

TEST(RegistersTest, AreNumberedInTheOrderOfTheDocuments) {
  const auto registers = read(
      {{"target.xml",
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
        "<xi:include href=\"a.xml\"/><xi:include href=\"b.xml\"/></target>"},
       {"a.xml", "<feature><reg name=\"r0\" bitsize=\"64\"/><reg name=\"pc\" bitsize=\"64\"/></feature>"},
       {"b.xml",
        "<feature><reg name=\"fpscr\" bitsize=\"32\" regnum=\"70\"/><reg name=\"srr0\" "
        "bitsize=\"64\"/></feature>"}});
  ASSERT_THAT(registers, Succeeds());
  EXPECT_EQ(registers->at("r0").number, 0U);
  EXPECT_EQ(registers->at("pc").number, 1U);
  EXPECT_EQ(registers->at("fpscr").number, 70U);
  EXPECT_EQ(registers->at("fpscr").bits, 32U);
  EXPECT_EQ(registers->at("srr0").number, 71U);
}

TEST(RegistersTest, AreRefusedWhereTheyMakeNoSense) {
  for (const auto* document :
       {"", "no XML", "<target>", "<target><reg name=\"r0\"/></target>",
        "<target><reg bitsize=\"64\"/></target>", "<target><reg name=\"r0\" bitsize=\"sixty\"/></target>",
        "<target><reg name=\"r0\" bitsize=\"64\" regnum=\"-1\"/></target>",
        "<target><reg name=\"r0\" bitsize=\"64\" regnum=\"99999999999\"/></target>",
        "<!DOCTYPE t [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><target>&b;</target>"})
    EXPECT_THAT(read({{"target.xml", document}}), FailsWith(ErrorCode::malformed)) << document;
}

TEST(RegistersTest, HaveLimits) {
  std::string many = "<target>";
  for (int i = 0; i < 5000; ++i) many += "<reg name=\"r" + std::to_string(i) + "\" bitsize=\"64\"/>";
  EXPECT_THAT(read({{"target.xml", many + "</target>"}}), FailsWith(ErrorCode::malformed));
  std::string includes = "<target>";
  for (int i = 0; i < 40; ++i) includes += "<xi:include href=\"target.xml\"/>";
  EXPECT_THAT(read({{"target.xml", includes + "</target>"}}), FailsWith(ErrorCode::malformed));
}

TEST(RegistersTest, NeedTheDocumentsThatAreNamed) {
  EXPECT_THAT(read({{"target.xml", "<target><xi:include href=\"gone.xml\"/></target>"}}),
              FailsAt(ErrorCode::unsupported, "gone.xml"));
}

}  // namespace
}  // namespace sealift::pef
