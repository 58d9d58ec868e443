// `stele cache export`, `import` and `reembed` as they are run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/server_run.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class CacheTools : public ::testing::Test {
protected:
    CacheTools() {
        server.open();
        other.open();
        for (const char* question : {"green tea", "black tea", "open on 3 May"}) {
            EXPECT_EQ(run_on(server, hashing({"cache", "put", question, "an answer"}, 64)).exit, 0);
        }
    }
    static std::vector<std::string> hashing(std::vector<std::string> words, int dimension) {
        words.insert(words.end(), {"--embedder", "hashing", "--dimension", std::to_string(dimension)});
        return words;
    }
    Server server, other;
    TemporaryDirectory directory;
    const std::string file = (directory.path() / "cache.stele").string();
};

TEST_F(CacheTools, what_is_exported_here_is_imported_there) {
    const json exported = document_on(server, {"cache", "export", file});
    EXPECT_EQ(exported.at("entries"), 3);
    EXPECT_EQ(exported.at("namespaces"), json({"default"}));
    EXPECT_EQ(exported.at("embedder_dim"), 64);
    const Outcome checked = run_on(other, {"cache", "import", file, "--check"});
    EXPECT_EQ(checked.exit, 0) << checked.err;
    EXPECT_THAT(checked.out, AllOf(HasSubstr("is whole: 3 entries of 1 namespace"), HasSubstr("stele-hashing-v1-64")));
    const json imported = document_on(other, {"cache", "import", file});
    EXPECT_EQ(imported.at("stored"), 3);
    EXPECT_EQ(imported.at("evicted"), 0);
    EXPECT_EQ(run_on(other, hashing({"cache", "get", "Green tea"}, 64)).exit, 0);

    const json refused = error_on(other, {"cache", "import", file}, 2);
    EXPECT_THAT(refused.at("message").get<std::string>(), HasSubstr("--keep or --replace"));
    EXPECT_EQ(document_on(other, {"cache", "import", file, "--keep"}).at("stored"), 0);
    EXPECT_EQ(document_on(other, {"cache", "import", file, "--replace"}).at("stored"), 3);
    EXPECT_EQ(run_on(other, {"cache", "import", file, "--keep", "--replace"}).exit, 2);
}

TEST_F(CacheTools, a_file_that_is_damaged_or_missing_is_told_by_its_name) {
    document_on(server, {"cache", "export", file});
    std::ofstream(file, std::ios::app) << "more\n";
    const json refused = error_on(other, {"cache", "import", file}, 2);
    EXPECT_THAT(refused.at("message").get<std::string>(),
                AllOf(HasSubstr("cache.stele"), HasSubstr("follows the end")));
    EXPECT_EQ(run_on(other, {"cache", "import", file + ".no"}).exit, 2);
    EXPECT_EQ(run_on(server, {"cache", "export", file + ".no/file"}).exit, 3);
}

TEST_F(CacheTools, mneme_157_reembed_tells_its_progress_on_standard_error_and_the_switch_on_standard_output) {
    const Outcome begun = run_on(server, hashing({"cache", "reembed", "--no-switch", "--batch", "1"}, 32));
    ASSERT_EQ(begun.exit, 0) << begun.err;
    EXPECT_THAT(begun.err, HasSubstr("embedding: 3 of 3"));
    EXPECT_THAT(begun.out, AllOf(HasSubstr("3 texts embedded"), HasSubstr("not switched")));
    const json status = document_on(server, {"cache", "reembed", "--status"});
    EXPECT_EQ(status.at("embedder"), "stele-hashing-v1-32");
    EXPECT_EQ(status.at("done"), 3);
    EXPECT_EQ(status.at("switched"), false);

    const json done = document_on(server, hashing({"cache", "reembed"}, 32));
    EXPECT_EQ(done.at("embedded"), 0);
    EXPECT_EQ(done.at("entries"), 3);
    EXPECT_EQ(done.at("sample"), 3);
    EXPECT_EQ(done.at("switched"), true);
    EXPECT_EQ(run_on(server, hashing({"cache", "get", "green tea"}, 32)).exit, 0);
    EXPECT_EQ(run_on(server, hashing({"cache", "get", "green tea"}, 64)).exit, 4);

    EXPECT_EQ(document_on(server, {"cache", "reembed", "--back"}).at("entries"), 3);
    EXPECT_EQ(run_on(server, hashing({"cache", "get", "green tea"}, 64)).exit, 0);
    EXPECT_EQ(document_on(server, {"cache", "reembed", "--cancel"}).at("cancelled"), true);
    EXPECT_EQ(document_on(server, {"cache", "reembed", "--status"}).at("embedder"), nullptr);
    EXPECT_EQ(run_on(server, {"cache", "reembed", "--finish"}).exit, 2);
    EXPECT_EQ(run_on(server, {"cache", "reembed", "--finish", "--back"}).exit, 2);
}

TEST_F(CacheTools, the_error_for_another_embedder_names_the_command_that_switches) {
    const json refused = error_on(server, hashing({"cache", "get", "green tea"}, 32), 4);
    EXPECT_THAT(refused.at("message").get<std::string>(), HasSubstr("`stele cache reembed`"));
}

}  // namespace
}  // namespace stele::test
