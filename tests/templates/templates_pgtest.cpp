// What a TemplatesRepository does, on a database, as its twin in memory and on a file. The names of tests give the
// lines of the list of draive's behaviour that they prove.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "stele/templates.hpp"
#include "support/eventually.hpp"
#include "support/in_threads.hpp"
#include "support/server.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class On { database, memory, file };

class AnyTemplates : public testing::TestWithParam<On> {
protected:
    TemplatesRepository make(const TemplatesOptions& options = {}) {
        switch (GetParam()) {
            case On::memory: return TemplatesRepository::in_memory(MemoryDatabase(), options);
            case On::file: return TemplatesRepository::in_file(directory_.path() / "templates.json", options);
            case On::database: break;
        }
        if (!database_) database_ = server_.open();
        return TemplatesRepository(*database_, options);
    }
    test::Server server_;
    std::optional<Database> database_;
    test::TemporaryDirectory directory_;
};

INSTANTIATE_TEST_SUITE_P(Templates, AnyTemplates, testing::Values(On::database, On::memory, On::file),
                         [](const auto& which) -> std::string {
                             if (which.param == On::database) return "on_a_database";
                             return which.param == On::memory ? "in_memory" : "in_a_file";
                         });

std::vector<std::string> identifiers(const TemplatesPage& page) {
    std::vector<std::string> all;
    for (const TemplateDeclaration& each : page.templates) all.push_back(each.identifier);
    return all;
}

TEST_P(AnyTemplates, draive_051_a_defined_template_is_there_at_once_and_listed_with_its_newest_declaration) {
    TemplatesRepository templates = make();
    EXPECT_EQ(templates.load("greeting"), nullptr);
    EXPECT_THAT(templates.templates().templates, IsEmpty());
    EXPECT_TRUE(templates.define({"greeting", "first", {{"name", "whom"}}}, "Hi {%name%}"));
    EXPECT_EQ(templates.load("greeting")->text(), "Hi {%name%}");
    EXPECT_TRUE(templates.define({"greeting", "second", {{"name", "who it is"}, {"b", ""}}, Json::parse(R"({"k":1})")},
                                 "Bye {%name%}{%b%}"));
    EXPECT_EQ(templates.resolve_text({"greeting", {{"name", "Ada"}, {"b", "!"}}}), "Bye Ada!");
    const TemplatesPage page = templates.templates();
    ASSERT_EQ(page.templates.size(), 1U);
    EXPECT_EQ(page.templates[0].description, "second");
    EXPECT_THAT(page.templates[0].variables,
                testing::UnorderedElementsAre(TemplateVariable{"name", "who it is"}, TemplateVariable{"b", ""}));
    EXPECT_TRUE(same_value(page.templates[0].meta, Json::parse(R"({"k":1})")));
    EXPECT_EQ(templates.declaration("greeting")->description, "second");
    EXPECT_FALSE(templates.declaration("other"));
}

TEST_P(AnyTemplates, adds_nothing_when_neither_body_nor_declaration_changed) {
    TemplatesRepository templates = make();
    EXPECT_TRUE(templates.define({"t", "d", {}, Json::parse(R"({"a":1,"b":2})")}, "body"));
    EXPECT_FALSE(templates.define({"t", "d", {}, Json::parse(R"({"b":2.0,"a":1})")}, "body"));
    EXPECT_TRUE(templates.define({"t", "e", {}, Json::parse(R"({"a":1,"b":2})")}, "body"));
    EXPECT_TRUE(templates.define({"t", "e", {}, Json::parse(R"({"a":1,"b":3})")}, "body"));
    EXPECT_TRUE(templates.define({"t", std::nullopt, {}, Json::parse(R"({"a":1,"b":3})")}, "body"));
    EXPECT_FALSE(templates.define({"t", std::nullopt, {}, Json::parse(R"({"a":1,"b":3})")}, "body"));
}

TEST_P(AnyTemplates, draive_045_a_body_given_otherwise_is_used_only_when_there_is_none) {
    TemplatesRepository templates = make();
    EXPECT_EQ(templates.resolve_text({"t", {{"a", "1"}}}, {}, "default {%a%}"), "default 1");
    try {
        templates.resolve({"t"});
        FAIL();
    } catch (const TemplateMissing& error) {
        EXPECT_EQ(error.identifier(), "t");
        EXPECT_EQ(error.code(), ErrorCode::not_found);
        EXPECT_THAT(error.what(), HasSubstr("'t'"));
    }
    templates.define({"t", {}, {{"a", ""}}}, "stored {%a%}");
    EXPECT_EQ(templates.resolve_text({"t", {{"a", "1"}}}, {}, "default {%a%}"), "stored 1");
}

TEST_P(AnyTemplates, draive_044_049_050_arguments_of_the_call_win_and_nested_templates_are_loaded) {
    TemplatesRepository templates = make();
    templates.define({"page", {}, {{"head", ""}, {"name", ""}}}, "{%head%}: {%name%}");
    templates.define({"head", {}, {{"name", ""}}}, "<{%name%}>");
    EXPECT_EQ(templates.resolve_text({"page", {{"head", Template{"head"}}, {"name", "own"}}}, {{"name", "call"}}),
              "<call>: call");
    const TemplateBody body = TemplateBody::parse("{%head%}!");
    EXPECT_EQ(templates.resolve_text(body, {{"head", Template{"head", {{"name", "x"}}}}, {"unused", Template{"none"}}}),
              "<x>!");
    EXPECT_THROW(templates.resolve(body, {{"head", Template{"none"}}}), TemplateMissing);
}

TEST_P(AnyTemplates, draive_052_refuses_variables_that_are_not_those_of_the_body) {
    TemplatesRepository templates = make();
    try {
        templates.define({"t", {}, {{"b", ""}}}, "{%a%}");
        FAIL();
    } catch (const TemplateInvalid& error) {
        EXPECT_EQ(error.identifier(), "t");
        EXPECT_THAT(error.what(), HasSubstr("\"a\""));
    }
    EXPECT_EQ(templates.load("t"), nullptr);
    TemplatesRepository old = make({.grammar = TemplateGrammar::e1});
    EXPECT_TRUE(old.define({"t", {}, {{"b", ""}}}, "{%a%}"));
}

TEST_P(AnyTemplates, draive_053_an_empty_description_is_none_in_e1_and_empty_in_e3) {
    TemplatesRepository new_ones = make();
    new_ones.define({"new", ""}, "x");
    EXPECT_EQ(new_ones.declaration("new")->description, "");
    TemplatesRepository old = make({.grammar = TemplateGrammar::e1});
    old.define({"old", ""}, "x");
    EXPECT_EQ(old.declaration("old")->description, std::nullopt);
}

TEST_P(AnyTemplates, draive_054_pages_visit_each_identifier_once_and_end_on_a_full_one) {
    TemplatesRepository templates = make();
    std::vector<std::string> all;
    for (int i = 0; i < 12; ++i) {
        all.push_back("t" + std::to_string(10 + i));
        templates.define({all.back()}, "1");
        templates.define({all.back()}, "2");
    }
    for (const std::size_t limit : {1U, 4U, 5U, 11U, 12U, 13U}) {
        std::vector<std::string> seen;
        std::optional<std::string> after;
        std::size_t pages = 0;
        do {
            const TemplatesPage page = templates.templates(after, limit);
            for (const std::string& each : identifiers(page)) seen.push_back(each);
            after = page.next;
            ++pages;
        } while (after);
        EXPECT_EQ(seen, all) << limit;
        EXPECT_EQ(pages, (all.size() + limit - 1) / limit) << limit;
    }
    EXPECT_THAT(templates.templates({}, 0).templates, IsEmpty());
    EXPECT_FALSE(templates.templates({}, 0).next);
    EXPECT_EQ(templates.templates().templates.size(), 12U);
    EXPECT_EQ(templates.templates({}, std::numeric_limits<std::size_t>::max()).templates.size(), 12U);
}

TEST_P(AnyTemplates, removes_all_revisions) {
    TemplatesRepository templates = make();
    EXPECT_EQ(templates.remove("t"), 0U);
    templates.define({"t"}, "1");
    templates.define({"u"}, "1");
    EXPECT_EQ(templates.remove("t"), 1U);
    EXPECT_EQ(templates.load("t"), nullptr);
    EXPECT_THAT(identifiers(templates.templates()), ElementsAre("u"));
}

TEST_P(AnyTemplates, draive_099_refuses_what_cannot_be_stored) {
    TemplatesRepository templates = make();
    EXPECT_THROW(templates.load(""), Error);
    EXPECT_THROW(templates.load(std::string(1025, 'x')), Error);
    EXPECT_THROW(templates.define({"t"}, std::string_view("\0", 1)), Error);
    EXPECT_THROW(templates.define({"t", "\xFF"}, "x"), TemplateInvalid);
    EXPECT_THROW(templates.define({"t"}, "x", {.author = "\xFF"}), Error);
}

class StoredTemplates : public testing::Test {
protected:
    test::Server server_;
    Database database_ = server_.open();
    TemplatesRepository templates_{database_};
    /// Until what is loaded comes from memory.
    void keep(std::string_view identifier) {
        const auto before = templates_.counts().hits;
        ASSERT_TRUE(test::eventually([&] {
            templates_.load(identifier);
            return templates_.counts().hits > before;
        }));
    }
};

TEST_F(StoredTemplates, draive_055_bodies_are_kept_by_identifier_and_followed) {
    templates_.define({"t", {}, {{"a", ""}}}, "{%a%}");
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(templates_.resolve_text({"t", {{"a", std::to_string(i)}}}), std::to_string(i));
    keep("t");
    EXPECT_EQ(templates_.counts().entries, 1U);
    // nothing is kept at a moment at which what changed is not known
    EXPECT_TRUE(test::eventually([&] {
        for (int i = 0; i < 40; ++i) templates_.load("other" + std::to_string(i));
        return templates_.counts().entries == 32;
    }));
}

TEST_F(StoredTemplates, take_part_in_transactions) {
    Transaction transaction = database_.begin();
    TemplatesRepository inside = templates_.in(transaction);
    inside.define({"t"}, "1");
    inside.define({"t"}, "2");
    EXPECT_EQ(inside.resolve_text({"t"}), "2");
    keep("t");
    EXPECT_EQ(templates_.load("t"), nullptr);
    {
        Savepoint savepoint = transaction.savepoint();
        templates_.in(savepoint).define({"t"}, "3");
        EXPECT_EQ(templates_.in(savepoint).resolve_text({"t"}), "3");
        savepoint.rollback();
    }
    transaction.commit();
    EXPECT_EQ(templates_.resolve_text({"t"}), "2");
    EXPECT_EQ(templates_.history("t").size(), 2U);
    keep("t");
    {
        Transaction undone = database_.begin();
        templates_.in(undone).define({"t"}, "4");
        undone.rollback();
    }
    EXPECT_EQ(templates_.resolve_text({"t"}), "2");
}

// The statements of draive's own repository (0.92 and 0.108).
TEST_F(StoredTemplates, draive_051_rows_written_by_the_python_library_are_read_and_ours_by_it) {
    const std::string table = database_.quoted_schema() + ".templates";
    keep("t");
    database_.execute(Statement(Sql("INSERT INTO " + table +
                                    " (identifier, description, content, variables, meta) VALUES ($1, $2, $3, "
                                    "$4::text::jsonb, $5::text::jsonb)"),
                                "t", "theirs", "Hi {%name%}", R"({"name":"whom"})", R"({"source":"postgres"})"));
    EXPECT_TRUE(test::eventually([&] { return templates_.load("t") != nullptr; }));
    EXPECT_EQ(templates_.resolve_text({"t", {{"name", "Ada"}}}), "Hi Ada");
    EXPECT_EQ(templates_.declaration("t")->description, "theirs");
    templates_.define({"t", "ours", {{"name", "who"}}}, "Ho {%name%}");
    const Rows rows = database_.query(
        Statement(Sql("SELECT DISTINCT ON (identifier) identifier::text, description::text, content::text, "
                      "variables::text, meta::text FROM " +
                      table + " ORDER BY identifier, created DESC")));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].get<std::string>(1), "ours");
    EXPECT_EQ(rows[0].get<std::string>(2), "Ho {%name%}");
    EXPECT_EQ(rows[0].get<std::string>(3), R"({"name": "who"})");
}

class TemplatesInAFile : public testing::Test {
protected:
    void write(const std::string& text) { std::ofstream(file_) << text; }
    std::string text() const {
        std::ifstream in(file_);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    std::string fault() {
        try {
            TemplatesRepository::in_file(file_).templates();
        } catch (const Error& error) {
            return error.what();
        }
        return {};
    }
    test::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "templates.json";
};

TEST_F(TemplatesInAFile, are_draives_and_keep_what_they_do_not_know) {
    write(R"([{"identifier":"a","content":"A","note":7},
              {"identifier":"b","description":null,"variables":{"x":"what"},"content":"B {%x%}","meta":{"m":1}}])");
    TemplatesRepository templates = TemplatesRepository::in_file(file_);
    EXPECT_EQ(templates.resolve_text({"b", {{"x", "!"}}}), "B !");
    EXPECT_TRUE(templates.define({"a", "changed"}, "AA"));
    EXPECT_THAT(text(), HasSubstr("\"note\": 7"));
    TemplatesRepository again = TemplatesRepository::in_file(file_);
    EXPECT_EQ(again.load("a")->text(), "AA");
    EXPECT_EQ(again.declaration("a")->description, "changed");
    EXPECT_EQ(again.history("b").size(), 1U);
}

TEST_F(TemplatesInAFile, count_the_last_of_two_with_one_identifier_and_change_that) {
    write(R"([{"identifier":"a","content":"1"},{"identifier":"a","content":"2"}])");
    TemplatesRepository templates = TemplatesRepository::in_file(file_);
    EXPECT_EQ(templates.load("a")->text(), "2");
    EXPECT_TRUE(templates.define({"a"}, "3"));
    EXPECT_EQ(templates.load("a")->text(), "3");
}

TEST_F(TemplatesInAFile, keep_the_mode_of_the_file_and_a_link_to_it) {
    write("[]");
    std::filesystem::permissions(file_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const auto link = directory_.path() / "link.json";
    std::filesystem::create_symlink(file_, link);
    TemplatesRepository::in_file(link).define({"a"}, "1");
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(std::filesystem::status(file_).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 2);
    EXPECT_EQ(TemplatesRepository::in_file(file_).load("a")->text(), "1");
}

TEST_F(TemplatesInAFile, are_read_anew_when_the_file_changes) {
    TemplatesRepository templates = TemplatesRepository::in_file(file_);
    EXPECT_THAT(templates.templates().templates, IsEmpty());
    write(R"([{"identifier":"a","content":"1"}])");
    EXPECT_EQ(templates.load("a")->text(), "1");
    write(R"([{"identifier":"a","content":"longer"}])");
    EXPECT_EQ(templates.load("a")->text(), "longer");
    std::filesystem::remove(file_);
    EXPECT_EQ(templates.load("a"), nullptr);
}

TEST_F(TemplatesInAFile, of_several_writers_none_undoes_what_another_wrote) {
    constexpr int kWriters = 4, kEach = 8;
    test::in_threads(kWriters, [&](int writer) {
        TemplatesRepository templates = TemplatesRepository::in_file(file_);
        for (int i = 0; i < kEach; ++i) templates.define({std::to_string(writer) + '.' + std::to_string(i)}, "text");
    });
    EXPECT_EQ(TemplatesRepository::in_file(file_).templates().templates.size(), std::size_t{kWriters * kEach});
}

TEST_F(TemplatesInAFile, refuse_a_file_with_a_fault_and_say_where) {
    write("[{]");
    EXPECT_THAT(fault(), HasSubstr("templates.json"));
    write("{}");
    EXPECT_THAT(fault(), HasSubstr("not a JSON array"));
    write(R"([{"identifier":"a","content":"1"},{"content":"1"}])");
    EXPECT_THAT(fault(), HasSubstr("[1] has no text \"identifier\""));
    write(R"([{"identifier":"a"}])");
    EXPECT_THAT(fault(), HasSubstr("[0] has no text \"content\""));
    write(R"([{"identifier":"a","content":"1","meta":3}])");
    EXPECT_THAT(fault(), HasSubstr("\"meta\""));
}

TEST_F(TemplatesInAFile, that_cannot_be_written_says_so_and_stays_as_it_was) {
    TemplatesRepository templates = TemplatesRepository::in_file(directory_.path() / "missing" / "templates.json");
    EXPECT_EQ(test::error_of([&] { templates.define({"a"}, "1"); }).code, ErrorCode::unavailable);
    EXPECT_EQ(templates.load("a"), nullptr);
}

}  // namespace
}  // namespace stele
