// The file of a namespace's vectors: what was written is read, and nothing else.
#include "cache/vector_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "support/temporary_directory.hpp"
#include "vectors/kernels.hpp"

namespace stele {
namespace {

using ::testing::HasSubstr;

std::vector<float> unit_of(int number, std::size_t dimension) {
    std::vector<float> unit(dimension, 0.01f);
    unit[static_cast<std::size_t>(number) % dimension] += static_cast<float>(number + 1);
    kernels::normalize(unit);
    return unit;
}

class VectorFileTest : public ::testing::TestWithParam<VectorFormat> {
protected:
    VectorFileTest() {
        meta.identity = "whose\nvectors";
        meta.position.incarnation = "1/2/3";
        meta.position.removed = 5;
        meta.position.snapshot = {.xmin = 10, .xmax = 20, .running = {11, 13}};
        meta.stale = {"one hash", "another"};
    }
    // so many rows, of which some were replaced and removed
    void fill(int rows) {
        for (int i = 0; i < rows; ++i) index.upsert(i, unit_of(i, kDimension), note(i));
        for (int i = 0; i < rows; i += 7) index.upsert(i, unit_of(i + 1, kDimension), note(i));
        for (int i = 3; i < rows; i += 10) index.remove(i);
    }
    static RowNote note(int i) {
        return {.tag = static_cast<std::uint64_t>(i) + 1'000, .version = static_cast<std::uint32_t>(i)};
    }
    void write() { ASSERT_TRUE(write_vector_file(path, index.row_format(), meta, index.picture())); }
    std::string content() const {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void put(const std::string& bytes) const { std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes; }
    std::string refusal(const RowFormat& format) const {
        const Result<VectorFile> file = VectorFile::open(path, format);
        return file ? "none" : file.error().message;
    }

    static constexpr std::size_t kDimension = 20;
    test::TemporaryDirectory folder;
    const std::filesystem::path path = folder.path() / "it.vectors";
    FlatIndex index{kDimension, GetParam()};
    VectorFileMeta meta;
};

INSTANTIATE_TEST_SUITE_P(Formats, VectorFileTest,
                         ::testing::Values(VectorFormat::float32, VectorFormat::float16, VectorFormat::int8),
                         [](const auto& format) { return std::string(to_string(format.param)); });

TEST_P(VectorFileTest, what_was_written_is_found_again) {
    fill(5'000);
    write();
    const Result<VectorFile> file = VectorFile::open(path, index.row_format());
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->meta().identity, meta.identity);
    EXPECT_EQ(file->meta().position.incarnation, meta.position.incarnation);
    EXPECT_EQ(file->meta().position.removed, 5U);
    EXPECT_EQ(file->meta().position.snapshot.xmax, 20U);
    EXPECT_EQ(file->meta().position.snapshot.running, meta.position.snapshot.running);
    EXPECT_EQ(file->meta().stale, meta.stale);
    EXPECT_EQ(file->rows().size(), index.size());

    FlatIndex restored(kDimension, GetParam());
    ASSERT_TRUE(restored.adopt(file->memory(), file->vectors(), file->rows()));
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(restored.search(unit_of(i, kDimension), 10, -2), index.search(unit_of(i, kDimension), 10, -2));
    }
    EXPECT_EQ(restored.note(8), note(8));
    EXPECT_EQ(restored.find(1'008), 8);
    EXPECT_FALSE(restored.contains(3));
    EXPECT_LT(restored.usage().bytes, index.usage().bytes) << "the vectors are the file's";
    // and it can be changed
    restored.upsert(3, unit_of(3, kDimension));
    restored.upsert(8, unit_of(9, kDimension));
    restored.remove(12);
    EXPECT_EQ(restored.size(), index.size());
    EXPECT_EQ(restored.compact(), 2U);
    EXPECT_EQ(restored.search(unit_of(9, kDimension), 1, -2).at(0).score,
              index.search(unit_of(9, kDimension), 1, -2).at(0).score);
    EXPECT_FALSE(restored.adopt(file->memory(), file->vectors(), file->rows())) << "there are rows";
}

TEST_P(VectorFileTest, an_empty_index_is_a_file_too) {
    write();
    const Result<VectorFile> file = VectorFile::open(path, index.row_format());
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->rows().empty());
}

TEST_P(VectorFileTest, a_file_that_was_damaged_or_cut_is_refused_wherever_it_was) {
    fill(30);
    write();
    const std::string whole = content();
    constexpr std::size_t kPadding = 64;  // which nobody reads
    int refused = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 4);
        put(damaged);
        const Result<VectorFile> file = VectorFile::open(path, index.row_format());
        refused += file ? 0 : 1;
    }
    // what is not summed up is the head's rest and what lies between the parts
    EXPECT_GE(refused, static_cast<int>(whole.size() - 3 * kPadding));
    for (std::size_t size = 0; size < whole.size(); size += 13) {
        put(whole.substr(0, size));
        EXPECT_NE(refusal(index.row_format()), "none") << size;
    }
    put(whole + std::string(64, '\0'));
    EXPECT_THAT(refusal(index.row_format()), HasSubstr("cut short"));
    put(whole);
    EXPECT_EQ(refusal(index.row_format()), "none");
}

TEST_P(VectorFileTest, a_file_of_another_form_is_refused) {
    fill(30);
    write();
    EXPECT_THAT(refusal(RowFormat(GetParam(), kDimension + 1)), HasSubstr("another format"));
    const VectorFormat other = GetParam() == VectorFormat::int8 ? VectorFormat::float16 : VectorFormat::int8;
    EXPECT_THAT(refusal(RowFormat(other, kDimension)), HasSubstr("another format"));
    std::filesystem::remove(path);
    EXPECT_EQ(VectorFile::open(path, index.row_format()).error().code, ErrorCode::not_found);
}

TEST_P(VectorFileTest, two_rows_of_one_id_or_one_question_are_not_taken_over) {
    const std::vector<std::byte> vectors(3 * 256 + 64);
    const auto* const aligned =
        reinterpret_cast<const std::byte*>((reinterpret_cast<std::uintptr_t>(vectors.data()) + 63) / 64 * 64);
    const std::vector<StoredRow> same_id{{1, 10, 1, 1}, {2, 20, 1, 1}, {1, 30, 1, 1}};
    const std::vector<StoredRow> same_tag{{1, 10, 1, 1}, {2, 20, 1, 1}, {3, 10, 1, 1}};
    const std::vector<StoredRow> untagged{{1, 0, 1, 1}, {2, 0, 1, 1}, {3, 0, 1, 1}};
    EXPECT_FALSE(index.adopt(nullptr, aligned, same_id));
    EXPECT_FALSE(index.adopt(nullptr, aligned, same_tag));
    EXPECT_EQ(index.size(), 0U);
    EXPECT_TRUE(index.adopt(nullptr, aligned, untagged));
    EXPECT_EQ(index.size(), 3U);
}

TEST_P(VectorFileTest, it_is_its_owners_and_takes_the_place_of_the_one_before) {
    fill(30);
    put("something else");
    write();
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(refusal(index.row_format()), "none");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "nothing is left over";
    const Result<void> nowhere =
        write_vector_file(folder.path() / "no" / "folder", index.row_format(), meta, index.picture());
    EXPECT_THAT(nowhere.error().message, HasSubstr("no/folder"));
}

}  // namespace
}  // namespace stele
