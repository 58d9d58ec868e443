#include "embedding/mapped_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "support/temporary_directory.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class MappedFileTest : public ::testing::Test {
protected:
    fs::path write(const std::string& content) const {
        std::ofstream(folder_ / "file", std::ios::binary) << content;
        return folder_ / "file";
    }
    test::TemporaryDirectory directory_;
    const fs::path& folder_ = directory_.path();
};

std::string text_of(const MappedFile& file) {
    const auto bytes = file.bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string three_pages() {
    std::string content(3 * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), '\0');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
    return content;
}

// How much of a mapping is in this process's memory, in kB.
std::size_t resident_kb(std::span<const std::byte> mapping) {
    std::ifstream maps("/proc/self/smaps");
    const std::string start = fmt::format("{:x}-", reinterpret_cast<std::uintptr_t>(mapping.data()));
    bool found = false;
    for (std::string line; std::getline(maps, line);) {
        found = found || line.starts_with(start);
        if (found && line.starts_with("Rss:")) return std::stoul(line.substr(4));
    }
    throw std::runtime_error("no such mapping");
}

TEST_F(MappedFileTest, holds_what_the_file_holds) {
    const auto file = MappedFile::open(write("weights\n"));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(text_of(*file), "weights\n");
}

TEST_F(MappedFileTest, an_empty_file_has_no_bytes) {
    const auto file = MappedFile::open(write(""));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->bytes().empty());
    file->release_pages(file->bytes());
}

TEST_F(MappedFileTest, moves_and_outlives_the_files_name) {
    const fs::path path = write("one");
    auto file = MappedFile::open(path);
    ASSERT_TRUE(file);
    fs::remove(path);
    MappedFile moved = std::move(*file);
    EXPECT_EQ(text_of(moved), "one");

    auto other = MappedFile::open(write("another"));
    ASSERT_TRUE(other);
    moved = std::move(*other);
    EXPECT_EQ(text_of(moved), "another");
}

TEST_F(MappedFileTest, what_is_no_readable_file_is_refused_with_path_and_reason) {
    const auto missing = MappedFile::open(folder_ / "none");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    EXPECT_THAT(missing.error().message, HasSubstr((folder_ / "none").string() + ": No such file"));

    const auto folder = MappedFile::open(folder_);
    ASSERT_FALSE(folder);
    EXPECT_EQ(folder.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(folder.error().message, HasSubstr("not a regular file"));

    // Its reader would wait for somebody who writes.
    ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
    const auto fifo = MappedFile::open(folder_ / "fifo");
    ASSERT_FALSE(fifo);
    EXPECT_THAT(fifo.error().message, HasSubstr("not a regular file"));
}

TEST_F(MappedFileTest, released_pages_are_read_again) {
    const std::string content = three_pages();
    const auto file = MappedFile::open(write(content));
    ASSERT_TRUE(file);
    EXPECT_EQ(text_of(*file), content);
    const std::size_t all = resident_kb(file->bytes());
    file->release_pages(file->bytes().subspan(1, 100));
    file->release_pages(file->bytes().subspan(content.size()));
    EXPECT_EQ(resident_kb(file->bytes()), all);
    file->release_pages(file->bytes().subspan(1));
    EXPECT_EQ(resident_kb(file->bytes()), all / 3);
    EXPECT_EQ(text_of(*file), content);
}

TEST_F(MappedFileTest, releasing_leaves_alone_what_lies_outside_of_the_mapping) {
    const auto file = MappedFile::open(write("short"));
    ASSERT_TRUE(file);
    const std::string mine = three_pages();
    file->release_pages(std::as_bytes(std::span(mine)));
    EXPECT_EQ(mine, three_pages());
}

}  // namespace
}  // namespace stele
