#include "revision_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>

#include "stele/error.hpp"

namespace stele::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string name_of(const std::string& identifier) {
    return names_of_files({identifier}).front();
}

std::string refusal_of(const std::string& name) {
    try {
        return "taken for " + identifier_of_name(name);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        return error.what();
    }
}

std::vector<std::string> parts_of(const std::string& path) {
    std::vector<std::string> parts;
    std::istringstream in(path);
    for (std::string part; std::getline(in, part, '/');) parts.push_back(part);
    return parts;
}

/// What makes a name harmless on any file system, whatever the identifier.
void expect_harmless(const std::string& name) {
    EXPECT_FALSE(name.starts_with('/')) << name;
    EXPECT_FALSE(name.ends_with('/')) << name;
    for (const std::string& part : parts_of(name)) {
        EXPECT_FALSE(part.empty()) << name;
        EXPECT_FALSE(part.starts_with('.')) << name;
        EXPECT_FALSE(part.ends_with('.')) << name;
        EXPECT_LE(part.size(), 245U) << name;
        EXPECT_EQ(part.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,+=@~%"),
                  std::string::npos)
            << name;
    }
}

TEST(RevisionNames, are_the_identifiers_where_these_are_ordinary) {
    EXPECT_EQ(name_of("support/greeting-2_b.v1"), "support/greeting-2_b.v1");
    EXPECT_EQ(name_of("Support"), "Support");
    EXPECT_EQ(name_of("app.module:Settings"), "app.module%3ASettings");
    EXPECT_EQ(name_of("100%"), "100%25");
    EXPECT_EQ(name_of("Gr\xC3\xBC\xC3\x9F"
                      "e, Ada"),
              "Gr%C3%BC%C3%9Fe,%20Ada");
}

TEST(RevisionNames, of_hostile_identifiers_stay_in_the_folder) {
    const std::vector<std::string> hostile = {"..",       ".",       "/etc/passwd", "../../etc/passwd",
                                              "a/../b",   "a/./b",   "a//b",        "/",
                                              "//",       "a/",      "/a",          ".git/config",
                                              "a\\b",     "a\nb",    "a\x01",       "con:",
                                              "a.",       "...",     "-rf",         "~",
                                              "$(id)",    "a;b",     "'\"`",        "\x7F",
                                              "%2E%2E/x", "%",       "%%/%%",       "a%/b",
                                              " ",        " a ",     "*?<>|",       "a.json",
                                              "a.json/b", "A.TXT/b", "a%2F/b",      "%41"};
    for (const std::string& identifier : hostile) {
        const std::string name = name_of(identifier);
        expect_harmless(name);
        EXPECT_EQ(identifier_of_name(name), identifier);
    }
    EXPECT_EQ(name_of("../x"), "%2E%2E/x");
    EXPECT_EQ(name_of("/etc/passwd"), "%2Fetc/passwd");
    EXPECT_EQ(name_of("a//b"), "a%2F%2Fb");
}

TEST(RevisionNames, of_a_folder_are_never_those_of_a_file_beside_it) {
    EXPECT_EQ(name_of("a.json/b"), "a%2Ejson/b");
    EXPECT_EQ(name_of("a.Txt/b"), "a%2ETxt/b");
    EXPECT_EQ(name_of("a.json"), "a.json");
}

TEST(RevisionNames, of_long_identifiers_go_on_in_folders) {
    std::string identifier(1000, 'x');
    std::string accents;
    while (accents.size() < 1024) accents += "\xC3\xA9";
    for (const std::string& text : {identifier, accents, std::string(1024, 'A'), std::string(80, 'x') + "/y"}) {
        expect_harmless(name_of(text));
        EXPECT_EQ(identifier_of_name(name_of(text)), text);
    }
    EXPECT_EQ(name_of(std::string(81, 'x')), std::string(80, 'x') + "%/x");
}

TEST(RevisionNames, that_would_differ_in_case_only_are_told_apart) {
    EXPECT_THAT(names_of_files({"Prompt", "other", "prompt"}), ElementsAre("%50rompt", "other", "prompt"));
    EXPECT_THAT(names_of_files({"A/x", "a/x"}), ElementsAre("%41/x", "a/x"));
    EXPECT_THAT(names_of_files({"A/x", "A/y"}), ElementsAre("A/x", "A/y"));
    EXPECT_EQ(identifier_of_name("%50rompt"), "Prompt");
    EXPECT_EQ(identifier_of_name("%41/x"), "A/x");
}

TEST(RevisionNames, come_back_as_the_identifiers_they_were_made_of) {
    std::mt19937 random(20'261);
    const std::string letters = "aAbB.%/ :\xC3\xA4\n-~019jsontxt";
    for (int round = 0; round < 300; ++round) {
        std::set<std::string> identifiers;
        while (identifiers.size() < 40) {
            std::string identifier;
            const std::size_t length = 1 + random() % (round % 10 == 0 ? 300 : 8);
            while (identifier.size() < length) identifier += letters[random() % letters.size()];
            identifiers.insert(identifier);
        }
        const std::vector<std::string> all(identifiers.begin(), identifiers.end());
        const std::vector<std::string> names = names_of_files(all);
        ASSERT_EQ(names.size(), all.size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            expect_harmless(names[i]);
            ASSERT_EQ(identifier_of_name(names[i]), all[i]) << names[i];
        }
        ASSERT_NO_THROW(check_case(names));
        ASSERT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
    }
}

TEST(RevisionNames, that_are_not_ours_are_refused_with_the_one_that_is) {
    EXPECT_THAT(refusal_of("a b"), HasSubstr("rename it to 'a%20b'"));
    EXPECT_THAT(refusal_of("%61"), HasSubstr("rename it to 'a'"));
    EXPECT_THAT(refusal_of("a%2Fb"), HasSubstr("rename it to 'a/b'"));
    EXPECT_THAT(refusal_of("ab%/c"), HasSubstr("rename it to 'abc'"));
    EXPECT_THAT(refusal_of("%2e"), HasSubstr("two hexadecimal digits"));
    for (const char* name : {"", "..", "../a", "a/../b", "/a", "a/", "a//b", "./a", "%", "a%4", "a%zz", "%/a", "a%"}) {
        EXPECT_THAT(refusal_of(name), HasSubstr("is no name of a file")) << name;
    }
}

TEST(RevisionNames, on_disk_that_differ_in_case_only_are_refused) {
    const auto refused = [](const std::vector<std::string>& paths) {
        try {
            check_case(paths);
            return std::string();
        } catch (const Error& error) {
            return std::string(error.what());
        }
    };
    EXPECT_EQ(refused({"a/x.json", "a/y.json", "b.json"}), "");
    EXPECT_THAT(refused({"A.json", "a.json"}), HasSubstr("'A.json' and 'a.json' differ in case only"));
    EXPECT_THAT(refused({"A/x.json", "a/y.json"}), HasSubstr("'A' and 'a'"));
    EXPECT_EQ(refused({"%41.json", "a.json"}), "");
}

}  // namespace
}  // namespace stele::cli
