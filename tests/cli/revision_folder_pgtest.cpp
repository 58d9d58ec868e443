// stele config and stele template: export and import.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/server_run.hpp"
#include "stele/configuration.hpp"
#include "stele/templates.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

const std::vector<std::string> kIdentifiers = {"app",         "App", "a/b", "a/B/c",  "../../x",  "/etc/passwd", "a//b",
                                               ".git/config", "a ",  "%41", "x.json", "x.json/y", "K\xC3\xB6ln"};

std::string content_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

struct RevisionFolder : ::testing::Test {
    std::string folder() const { return (place.path() / "files").string(); }
    void put(const std::string& name, const std::string& text) const {
        fs::create_directories((folder() / fs::path(name)).parent_path());
        std::ofstream(folder() / fs::path(name), std::ios::binary) << text;
    }
    std::string file(const std::string& name) const { return content_of(folder() / fs::path(name)); }

    Server server;
    TemporaryDirectory place;
};

TEST_F(RevisionFolder, carries_configurations_of_any_name_to_another_database) {
    ConfigurationRepository from(server.open());
    for (const std::string& identifier : kIdentifiers) {
        from.define(identifier, Json::parse(R"({"b":[1.50,{}],"a":)" + Json::string(identifier).text() + "}"));
    }
    const json exported = document_on(server, {"config", "export", folder()});
    EXPECT_EQ(exported, json({{"folder", folder()},
                              {"dry_run", false},
                              {"configurations", kIdentifiers.size()},
                              {"written", kIdentifiers.size()},
                              {"unchanged", 0},
                              {"removed", json::array()}}));
    EXPECT_EQ(file("app.json"), "{\n  \"a\": \"app\",\n  \"b\": [\n    1.50,\n    {}\n  ]\n}\n");
    EXPECT_EQ(file("%2E%2E/%2E%2E/x.json").substr(0, 1), "{");
    EXPECT_EQ(document_on(server, {"config", "export", folder()}).at("unchanged"), kIdentifiers.size());

    const Server other;
    ConfigurationRepository to(other.open());
    EXPECT_EQ(document_on(other, {"config", "import", folder(), "--author", "ada"}).at("new"), kIdentifiers.size());
    EXPECT_EQ(to.configurations().size(), kIdentifiers.size());
    for (const std::string& identifier : kIdentifiers) {
        const auto content = to.load_raw(identifier);
        ASSERT_TRUE(content) << identifier;
        EXPECT_TRUE(same_value(*content, *from.load_raw(identifier))) << content->text();
        EXPECT_EQ(to.history(identifier).front().author, "ada");
    }
    EXPECT_EQ(document_on(other, {"config", "import", folder()}).at("unchanged"), kIdentifiers.size());
}

TEST_F(RevisionFolder, carries_templates_with_all_that_is_known_of_them) {
    TemplatesRepository from(server.open());
    for (const std::string& identifier : kIdentifiers) {
        from.define({.identifier = identifier, .variables = {{"a", "one"}, {"b"}}, .meta = Json::parse(R"({"k":1})")},
                    "{%b%}{%a%} \n\n");
    }
    from.define({.identifier = "plain", .description = "d"}, "no newline");
    from.define({.identifier = "bare"}, "");
    const std::size_t count = kIdentifiers.size() + 2;
    EXPECT_EQ(document_on(server, {"template", "export", folder()}).at("written"), 2 * count - 1);
    EXPECT_EQ(file("a/b.txt"), "{%b%}{%a%} \n\n");
    EXPECT_FALSE(fs::exists(folder() + "/bare.json"));

    const Server other;
    TemplatesRepository to(other.open());
    EXPECT_EQ(document_on(other, {"template", "import", folder()}).at("new"), count);
    for (const TemplateDeclaration& declaration : from.templates({}, 1000).templates) {
        const auto copy = to.declaration(declaration.identifier);
        ASSERT_TRUE(copy) << declaration.identifier;
        EXPECT_EQ(copy->description, declaration.description);
        EXPECT_EQ(copy->variables, declaration.variables);
        EXPECT_TRUE(same_value(copy->meta, declaration.meta));
        EXPECT_EQ(to.load(declaration.identifier)->text(), from.load(declaration.identifier)->text());
    }
    EXPECT_EQ(document_on(other, {"template", "import", folder()}).at("unchanged"), count);
}

TEST_F(RevisionFolder, shows_in_a_dry_run_what_an_import_would_do_and_does_it_without) {
    ConfigurationRepository store(server.open());
    store.define("same", Json::parse(R"({"n":1})"));
    store.define("other", Json::parse(R"({"n":1})"));
    store.define("gone", Json::parse(R"({"n":1})"));
    put("same.json", R"({ "n": 1.0 })");
    put("other.json", R"({"n":2})");
    put("deep/new.json", "{}");
    json expected = {{"dry_run", true},
                     {"new", 1},
                     {"changed", 1},
                     {"removed", 1},
                     {"unchanged", 1},
                     {"changes",
                      {{{"change", "new"}, {"identifier", "deep/new"}},
                       {{"change", "changed"}, {"identifier", "other"}, {"diff", "- n: 1\n+ n: 2\n"}},
                       {{"change", "removed"}, {"identifier", "gone"}}}}};
    EXPECT_EQ(document_on(server, {"config", "import", folder(), "--prune", "--dry-run"}), expected);
    EXPECT_EQ(run_on(server, {"config", "import", folder(), "--prune", "--dry-run"}).out,
              "new deep/new\nchanged other\n- n: 1\n+ n: 2\nremoved gone\n"
              "would be: 1 new, 1 changed, 1 removed, 1 unchanged\n");
    EXPECT_EQ(store.configurations().size(), 3U);
    EXPECT_EQ(store.history("other").size(), 1U);
    EXPECT_EQ(document_on(server, {"config", "import", folder(), "-m", "why"}).at("removed"), 0);
    EXPECT_EQ(document_on(server, {"config", "import", folder(), "--prune"}).at("removed"), 1);
    const ConfigurationRepository fresh(server.open());
    EXPECT_EQ(fresh.configurations(), (std::vector<std::string>{"deep/new", "other", "same"}));
    EXPECT_EQ(fresh.history("other").front().message, "why");
    EXPECT_EQ(fresh.history("same").size(), 1U);
}

TEST_F(RevisionFolder, is_imported_as_a_whole_or_not_at_all) {
    ConfigurationRepository store(server.open());
    store.define("labelled", Json::parse("{}"));
    document_on(server, {"config", "label", "labelled", "live"});
    put("a.json", "{}");
    EXPECT_EQ(error_on(server, {"config", "import", folder(), "--prune"}, 5).at("code"), "constraint_violation");
    put("b.json", "[]");
    EXPECT_THAT(error_on(server, {"config", "import", folder()}, 2).at("message").get<std::string>(),
                HasSubstr("b.json"));
    EXPECT_EQ(ConfigurationRepository(server.open()).configurations(), std::vector<std::string>{"labelled"});
}

TEST_F(RevisionFolder, with_traps_is_refused_on_import) {
    server.open();
    const auto refusal = [&] {
        return error_on(server, {"config", "import", folder()}, 2).at("message").get<std::string>();
    };
    put("A.json", "{}");
    put("a.json", "{}");
    EXPECT_THAT(refusal(), HasSubstr("differ in case only"));
    fs::remove(folder() + "/A.json");
    fs::create_symlink("/etc/hostname", folder() + "/b.json");
    EXPECT_THAT(refusal(), HasSubstr("symbolic link"));
    fs::remove(folder() + "/b.json");
    put("%2e%2e.json", "{}");
    EXPECT_THAT(refusal(), HasSubstr("no name of a file"));
    fs::remove(folder() + "/%2e%2e.json");
    put("a.txt", "body");
    EXPECT_THAT(refusal(), HasSubstr("belongs to a template"));
    EXPECT_EQ(document_on(server, {"config", "list"}).at("configurations"), json::array());
}

TEST_F(RevisionFolder, that_is_empty_does_not_empty_the_database) {
    ConfigurationRepository(server.open()).define("app", Json::parse("{}"));
    fs::create_directories(folder());
    EXPECT_THAT(error_on(server, {"config", "import", folder(), "--prune"}, 2).at("message").get<std::string>(),
                HasSubstr("would remove all"));
    EXPECT_EQ(document_on(server, {"config", "import", folder()}).at("new"), 0);
}

TEST_F(RevisionFolder, loses_on_export_only_what_it_is_told_to) {
    TemplatesRepository store(server.open());
    store.define({.identifier = "a", .description = "d"}, "one");
    store.define({.identifier = "b"}, "two");
    put("README.md", "mine");
    document_on(server, {"template", "export", folder()});
    EXPECT_TRUE(fs::exists(folder() + "/a.json"));
    // what is known of it no longer says anything: the file would come back with the next import
    store.define({.identifier = "a"}, "one");
    store.remove("b");
    EXPECT_EQ(document_on(server, {"template", "export", folder()}).at("removed"), json({"a.json"}));
    EXPECT_TRUE(fs::exists(folder() + "/b.txt"));
    EXPECT_EQ(document_on(server, {"template", "export", folder(), "--prune"}).at("removed"), json({"b.txt"}));
    EXPECT_FALSE(fs::exists(folder() + "/b.txt"));
    EXPECT_EQ(file("README.md"), "mine");
}

TEST_F(RevisionFolder, keeps_on_export_what_no_export_wrote) {
    const Database database = server.open();
    ConfigurationRepository(database).define("app", Json::parse("{}"));
    const std::vector<std::pair<std::string, std::string>> foreign = {{"package.json", "{\n  \"name\": \"x\"\n}\n"},
                                                                      {"node_modules/x/package.json", "{}"},
                                                                      {"list.json", "[]"},
                                                                      {"tsconfig.json", "{ // a comment\n}"}};
    for (const auto& [name, text] : foreign) put(name, text);
    EXPECT_EQ(document_on(server, {"config", "export", folder(), "--prune"}).at("removed"), json::array());
    for (const auto& [name, text] : foreign) EXPECT_EQ(file(name), text);

    fs::remove_all(folder());
    TemplatesRepository(database).define({.identifier = "b"}, "body");
    put("requirements.txt", "numpy\n");
    put("b.txt", "older");
    put("b.json", R"({"name":"no template's"})");
    EXPECT_EQ(document_on(server, {"template", "export", folder(), "--prune"}).at("removed"), json::array());
    EXPECT_EQ(file("requirements.txt"), "numpy\n");
    EXPECT_TRUE(fs::exists(folder() + "/b.json"));
}

TEST_F(RevisionFolder, shows_in_a_dry_run_what_an_export_would_do) {
    ConfigurationRepository store(server.open());
    store.define("gone", Json::parse("{}"));
    const std::vector<std::string> dry = {"config", "export", folder(), "--prune", "--dry-run"};
    EXPECT_EQ(document_on(server, dry).at("written"), 1);
    EXPECT_FALSE(fs::exists(folder()));
    document_on(server, {"config", "export", folder()});
    store.remove("gone");
    store.define("new", Json::parse("{}"));
    EXPECT_EQ(run_on(server, dry).out, "would be removed gone.json\n1 configuration in " + folder() +
                                           ": 1 file would be written, 0 unchanged\n");
    EXPECT_TRUE(fs::exists(folder() + "/gone.json"));
    EXPECT_FALSE(fs::exists(folder() + "/new.json"));
    EXPECT_EQ(document_on(server, {"config", "export", folder(), "--prune"}).at("removed"), json({"gone.json"}));
    EXPECT_EQ(file(".stele-export"), "new.json\n");
}

TEST_F(RevisionFolder, of_the_other_store_is_not_exported_into) {
    const Database database = server.open();
    ConfigurationRepository(database).define("app", Json::parse("{}"));
    TemplatesRepository(database).define({.identifier = "a/b", .description = "d"}, "one");
    document_on(server, {"config", "export", folder()});
    EXPECT_THAT(error_on(server, {"template", "export", folder()}, 2).at("message").get<std::string>(),
                HasSubstr("app.json"));
    fs::remove_all(folder());
    document_on(server, {"template", "export", folder()});
    EXPECT_THAT(error_on(server, {"config", "export", folder()}, 2).at("message").get<std::string>(),
                HasSubstr("a/b.txt"));
    EXPECT_FALSE(fs::exists(folder() + "/app.json"));
}

}  // namespace
}  // namespace stele::test
