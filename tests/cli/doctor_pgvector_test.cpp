#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor_checks.hpp"

namespace stele::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Finding finding(const std::string& installed, const std::string& available) {
    return pgvector_finding({installed, installed.empty() ? "" : "public", available, "\"My db\""});
}

TEST(DoctorPgvector, a_version_without_known_faults_is_fine_and_so_is_none) {
    EXPECT_EQ(finding("0.8.2", "0.8.2").health, Health::ok);
    EXPECT_EQ(finding("0.8.2", "0.8.2").text, "0.8.2 in schema public");
    EXPECT_EQ(finding("1.0", "1.0").health, Health::ok);
    EXPECT_EQ(finding("", "0.8.0").health, Health::ok);
    EXPECT_THAT(finding("", "").text, HasSubstr("only the vector index needs it"));
}

TEST(DoctorPgvector, versions_with_parallel_builds_that_read_past_a_buffer_are_told_what_to_do) {
    for (const std::string version : {"0.6.0", "0.7.4", "0.8.0", "0.8.1"}) {
        const Finding found = finding(version, version);
        EXPECT_EQ(found.health, Health::warning) << version;
        EXPECT_THAT(found.text, HasSubstr("CVE-2026-3172")) << version;
        EXPECT_THAT(found.fix, AllOf(HasSubstr("0.8.2 or newer"),
                                     HasSubstr("ALTER DATABASE \"My db\" SET max_parallel_maintenance_workers = 0;")));
    }
    for (const std::string version : {"0.5.1", "0.8.2", "0.8.10", "0.9"}) {
        EXPECT_THAT(finding(version, version).text, Not(HasSubstr("CVE"))) << version;
    }
    EXPECT_THAT(finding("0.7.0", "0.8.2").text, Not(HasSubstr("CVE"))) << "the files are what runs";
}

TEST(DoctorPgvector, an_old_one_is_brought_up_to_its_files) {
    EXPECT_EQ(finding("0.4.4", "0.4.4").health, Health::failure);
    EXPECT_EQ(finding("0.5.1", "0.5.1").health, Health::warning);
    EXPECT_EQ(finding("0.5.1", "0.8.2").fix, "ALTER EXTENSION vector UPDATE;");
    EXPECT_EQ(finding("0.8.2", "0.8.3").fix, "ALTER EXTENSION vector UPDATE;");
}

}  // namespace
}  // namespace stele::cli
