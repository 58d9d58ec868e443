#include "cache/archive_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "stele/error.hpp"

namespace stele {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

CacheManifest manifest() {
    CacheManifest manifest;
    manifest.embedder_fingerprint = "fake:v1";
    manifest.embedder_dimension = 64;
    manifest.index_backend = "flat";
    manifest.store_backend = "postgres";
    manifest.vector_dtype = "float32";
    manifest.namespaces = {"a:b", "default"};
    manifest.rows = {{"namespace_quotas", 2}};
    return manifest;
}

std::string with_end(const std::string& lines, std::uint64_t rows) {
    RunningSha256 sum;
    sum.add(lines);
    return lines + end_line(rows, sum.hex());
}

const std::string kRows =
    "{\"namespace_quotas\":{\"namespace\":\"a\",\"max_entries\":1}}\n"
    "{\"namespace_quotas\":{\"namespace\":\"b\\n\",\"max_entries\":2}}\n";

std::vector<std::string> read(const std::string& archive, bool check = true) {
    std::istringstream in(archive);
    const std::string name = "the file";
    ArchiveReader reader(in, name);
    std::vector<std::string> rows;
    while (const auto line = reader.next(check)) rows.push_back(std::string(line->part.table) + std::string(line->row));
    EXPECT_EQ(reader.rows(), rows.size());
    return rows;
}

std::string refusal_of(const std::string& archive) {
    try {
        read(archive);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        return error.info().message;
    }
    return "nothing was refused";
}

TEST(ArchiveReader, what_was_written_is_read) {
    EXPECT_THAT(read(with_end(manifest_line(manifest()) + kRows, 2)),
                ElementsAre("namespace_quotas{\"namespace\":\"a\",\"max_entries\":1}",
                            "namespace_quotas{\"namespace\":\"b\\n\",\"max_entries\":2}"));
    std::istringstream in(manifest_line(manifest()));
    const std::string name = "the file";
    const ArchiveReader reader(in, name);
    EXPECT_EQ(reader.manifest().embedder_fingerprint, "fake:v1");
    EXPECT_EQ(reader.manifest().embedder_dimension, 64U);
    EXPECT_THAT(reader.manifest().namespaces, ElementsAre("a:b", "default"));
    EXPECT_EQ(reader.manifest().all_rows(), 2U);
}

TEST(ArchiveReader, one_that_is_cut_anywhere_is_refused) {
    const std::string whole = with_end(manifest_line(manifest()) + kRows, 2);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_NE(refusal_of(whole.substr(0, length)), "nothing was refused") << length;
    }
    EXPECT_THAT(refusal_of(whole.substr(0, whole.size() - 1)), HasSubstr("cut off"));
    EXPECT_THAT(refusal_of(manifest_line(manifest()) + kRows),
                AllOf(HasSubstr("line 4"), HasSubstr("its end is missing")));
}

TEST(ArchiveReader, one_in_which_anything_was_changed_is_refused) {
    const std::string whole = with_end(manifest_line(manifest()) + kRows, 2);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        EXPECT_NE(refusal_of(damaged), "nothing was refused") << at;
    }
    EXPECT_THAT(refusal_of(whole + "\n"), HasSubstr("follows the end"));
    EXPECT_THAT(refusal_of(with_end(manifest_line(manifest()) + kRows, 3)), HasSubstr("damaged"));
    EXPECT_THAT(refusal_of(with_end(manifest_line(manifest()), 0)), HasSubstr("damaged"))
        << "not all of what is promised";
}

TEST(ArchiveReader, what_is_no_archive_is_refused_and_told_apart) {
    EXPECT_THAT(refusal_of(""), HasSubstr("stele cache export"));
    EXPECT_THAT(refusal_of("{\"thread\":\"x\"}\n"), HasSubstr("stele cache export"));
    EXPECT_THAT(refusal_of("[1]\n"), HasSubstr("stele cache export"));
    EXPECT_THAT(refusal_of("\x1f\x8b\x08"), AllOf(HasSubstr("compressed"), HasSubstr("mneme")));
    CacheManifest newer = manifest();
    newer.format_version = 2;
    EXPECT_THAT(refusal_of(manifest_line(newer)), HasSubstr("format 2"));
    EXPECT_THAT(refusal_of("{\"format\":\"stele cache archive\",\"format_version\":1}\n"),
                HasSubstr("manifest is damaged"));
}

TEST(ArchiveReader, rows_of_unknown_tables_or_without_their_columns_are_refused) {
    const std::string head = manifest_line(manifest());
    EXPECT_THAT(refusal_of(head + "{\"pg_authid\":{}}\n"), AllOf(HasSubstr("line 2"), HasSubstr("known here")));
    EXPECT_THAT(refusal_of(head + "{\"namespace_quotas\":{\"namespace\":\"a\"}}\n"), HasSubstr("\"max_entries\""));
    EXPECT_THAT(refusal_of(head + "{\"namespace_quotas\":[}\n"), HasSubstr("no JSON object"));
}

}  // namespace
}  // namespace stele
