#include "text_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "stele/error.hpp"
#include "support/temporary_directory.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const std::vector<std::string> kTypes = {".json", ".txt"};

void put(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
}

template <class Work>
std::string refusal_of(Work work) {
    try {
        work();
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

TEST(TextFolder, is_read_with_the_folders_below_and_without_what_is_hidden) {
    const test::TemporaryDirectory place;
    put(place.path() / "a.json", "1");
    put(place.path() / "deep" / "er" / "b.txt", std::string("x\0y\n", 4));
    put(place.path() / "README.md", "no");
    put(place.path() / ".git" / "c.json", "no");
    put(place.path() / ".d.json", "no");
    EXPECT_THAT(read_folder(place.path(), kTypes),
                ElementsAre(Pair("a.json", "1"), Pair("deep/er/b.txt", std::string("x\0y\n", 4))));
}

TEST(TextFolder, that_is_not_there_or_is_a_file_is_an_error) {
    const test::TemporaryDirectory place;
    put(place.path() / "file", "");
    EXPECT_THAT(refusal_of([&] { read_folder(place.path() / "none", kTypes); }), HasSubstr("none"));
    EXPECT_THAT(refusal_of([&] { read_folder(place.path() / "file", kTypes); }), HasSubstr("file"));
    EXPECT_THAT(refusal_of([&] { write_folder(place.path() / "file", {{"a.json", ""}}); }), HasSubstr("file"));
}

TEST(TextFolder, is_not_left_through_symbolic_links) {
    const test::TemporaryDirectory place, outside;
    put(outside.path() / "secret.json", "{}");
    fs::create_symlink(outside.path() / "secret.json", place.path() / "a.json");
    EXPECT_THAT(refusal_of([&] { read_folder(place.path(), kTypes); }), HasSubstr("a.json is a symbolic link"));
    fs::remove(place.path() / "a.json");
    fs::create_directory_symlink(outside.path(), place.path() / "sub");
    EXPECT_THAT(refusal_of([&] { read_folder(place.path(), kTypes); }), HasSubstr("sub is a symbolic link"));
    EXPECT_THAT(refusal_of([&] { write_folder(place.path(), {{"sub/b.json", "{}"}}); }),
                HasSubstr("sub is a symbolic link"));
    EXPECT_FALSE(fs::exists(outside.path() / "b.json"));
}

TEST(TextFolder, gets_a_file_in_place_of_a_link_and_leaves_where_that_led) {
    const test::TemporaryDirectory place, outside;
    put(outside.path() / "kept.json", "kept");
    fs::create_symlink(outside.path() / "kept.json", place.path() / "a.json");
    write_folder(place.path(), {{"a.json", "new"}});
    EXPECT_FALSE(fs::is_symlink(place.path() / "a.json"));
    EXPECT_THAT(read_folder(outside.path(), kTypes), ElementsAre(Pair("kept.json", "kept")));
    EXPECT_THAT(read_folder(place.path(), kTypes), ElementsAre(Pair("a.json", "new")));
}

TEST(TextFolder, is_written_only_where_something_differs) {
    const test::TemporaryDirectory place;
    const fs::path folder = place.path() / "new";
    const std::map<std::string, std::string> files = {{"a.json", "1"}, {"b/c.txt", ""}};
    EXPECT_EQ(write_folder(folder, files).written, 2U);
    const auto before = fs::last_write_time(folder / "a.json");
    const Written again = write_folder(folder, {{"a.json", "1"}, {"b/c.txt", "2"}});
    EXPECT_EQ(again.written, 1U);
    EXPECT_EQ(again.unchanged, 1U);
    EXPECT_EQ(fs::last_write_time(folder / "a.json"), before);
    EXPECT_THAT(read_folder(folder, kTypes), ElementsAre(Pair("a.json", "1"), Pair("b/c.txt", "2")));
    EXPECT_EQ(std::distance(fs::recursive_directory_iterator(folder), {}), 3) << "something else was left there";
}

TEST(TextFolder, loses_empty_folders_with_their_last_file) {
    const test::TemporaryDirectory place;
    put(place.path() / "a" / "b" / "c.json", "");
    put(place.path() / "d" / "e.json", "");
    put(place.path() / "d" / "kept", "");
    remove_from_folder(place.path(), {"a/b/c.json", "d/e.json"});
    EXPECT_THAT(read_folder(place.path(), kTypes), IsEmpty());
    EXPECT_FALSE(fs::exists(place.path() / "a"));
    EXPECT_TRUE(fs::exists(place.path() / "d" / "kept"));
}

}  // namespace
}  // namespace stele::cli
