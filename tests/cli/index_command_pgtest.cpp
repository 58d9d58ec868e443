#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/server_run.hpp"
#include "stele/vector_index.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kTickets = R"({"id":1,"text":"the parcel was lost","status":"open","priority":3,"by":{"name":"Ada"}}
{"id":2,"text":"the parcel came late","status":"closed","priority":1,"tags":["late"],"n":12345678901234567890.5}

{"id":"c","text":"how do I pay","status":"open","priority":1}
)";

std::vector<std::string> with_embedder(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--embedder", "hashing", "--dimension", "64"});
    return arguments;
}

json add(const Server& server, std::vector<std::string> arguments, const std::string& input = {}) {
    std::vector<std::string> all = {"index", "add"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return document_on(server, with_embedder(all), input);
}

json search(const Server& server, std::vector<std::string> arguments) {
    std::vector<std::string> all = {"index", "search"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return document_on(server, with_embedder(all)).at("found");
}

std::vector<json> ids(const json& found) {
    std::vector<json> all;
    for (const json& each : found) all.push_back(each.at("document").at("id"));
    return all;
}

class IndexCommand : public ::testing::Test {
protected:
    IndexCommand() { server.open(); }
    const Server server;
};

TEST_F(IndexCommand, finds_documents_by_meaning_and_by_filters) {
    EXPECT_EQ(add(server, {"tickets", "--key", "id"}, kTickets), json({{"table", "tickets"},
                                                                       {"dry_run", false},
                                                                       {"documents", 3},
                                                                       {"embedded", 3},
                                                                       {"removed", 0},
                                                                       {"refused", json::array()}}));
    const json found = search(server, {"tickets", "parcel was lost"});
    EXPECT_THAT(ids(found), ElementsAre(1, 2, "c"));
    EXPECT_GT(found[0].at("score"), found[1].at("score"));
    EXPECT_EQ(found[0].at("document").at("by"), json({{"name", "Ada"}}));
    EXPECT_THAT(ids(search(server, {"tickets", "parcel", "--where", "status = open", "-w", "priority < 2"})),
                ElementsAre("c"));
    EXPECT_THAT(ids(search(server, {"tickets", "parcel", "--limit", "1"})), ElementsAre(::testing::_));
    const Outcome none =
        run_on(server, with_embedder({"index", "search", "tickets", "parcel was lost", "--threshold", "0.99"}));
    EXPECT_EQ(none.exit, 1);
    EXPECT_EQ(none.err, "nothing was found\n");
}

TEST_F(IndexCommand, replaces_documents_of_the_same_key_and_embeds_what_changed) {
    add(server, {"tickets", "--key", "id"}, kTickets);
    const json again = add(server, {"tickets", "-", "--key", "id"},
                           R"({"id":1,"text":"the parcel was lost","status":"closed"})"
                           "\n"
                           R"({"id":2,"text":"it came after all"})");
    EXPECT_EQ(again.at("documents"), 2);
    EXPECT_EQ(again.at("embedded"), 1);
    EXPECT_EQ(document_on(server, {"index", "count", "tickets"}), json({{"table", "tickets"}, {"count", 3}}));
    EXPECT_EQ(document_on(server, {"index", "count", "tickets", "--where", "status = closed"}).at("count"), 1);
}

TEST_F(IndexCommand, reads_a_file_whose_text_and_key_are_anywhere_in_a_document) {
    const TemporaryDirectory place;
    std::ofstream(place.path() / "t.jsonl") << R"({"body":{"de":"wo ist es"},"meta":[{"url":"/a"}]})" << "\n";
    const std::vector<std::string> line = {
        "pages", (place.path() / "t.jsonl").string(), "--text", "body.de", "--key", "meta[0].url"};
    EXPECT_EQ(add(server, line).at("embedded"), 1);
    EXPECT_EQ(add(server, line).at("embedded"), 0);
    std::vector<std::string> dry = line;
    dry[0] = "others";
    dry.emplace_back("--dry-run");
    EXPECT_EQ(add(server, dry).at("documents"), 1);
    EXPECT_EQ(error_on(server, {"index", "count", "others"}, 1).at("code"), "not_found");
}

TEST_F(IndexCommand, indexes_nothing_and_names_the_line_that_it_cannot_take) {
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"{", "line 2: "},
        {"[1]", "a document is a JSON object, and this is array"},
        {R"({"id":1})", "there is no member text: name another with --text (there are: id)"},
        {R"({"id":1,"text":" "})", "text is blank"},
        {R"({"id":1,"text":7})", "text is number"},
        {R"({"text":"a"})", "there is no member id: name another with --key"},
        {R"({"id":true,"text":"a"})", "id is boolean"},
    };
    document_on(server, with_embedder({"index", "create", "t"}));
    for (const auto& [line, reason] : bad) {
        const std::string lines = R"({"id":"k","text":"fine"})"
                                  "\n" +
                                  line;
        const json error = error_on(server, with_embedder({"index", "add", "t", "--key", "id"}), 2, lines);
        EXPECT_THAT(error.at("message").get<std::string>(),
                    AllOf(HasSubstr("standard input, line 2"), HasSubstr(reason)));
        EXPECT_EQ(document_on(server, {"index", "count", "t"}).at("count"), 0);
    }
}

TEST_F(IndexCommand, takes_vectors_that_come_ready_and_keeps_them_out_of_the_documents) {
    const std::string lines = R"({"id": 1, "in": {"v": [1, 0.5, -2e0], "n": 12345678901234567890.5}, "s": "}\"{"})"
                              "\n"
                              R"({"in":{"v":[0,1,0]},"id":2})";
    const std::vector<std::string> line = {"index", "add", "ready", "--vector", "in.v", "--key", "id"};
    const json added = document_on(server, line, lines);
    EXPECT_EQ(added.at("documents"), 2);
    EXPECT_EQ(added.at("embedded"), 0);
    EXPECT_EQ(document_on(server, line, lines).at("documents"), 2) << "replaced";
    Database database = server.open();
    VectorIndex<Json> index(database, nullptr, {.table = "ready"});
    ASSERT_EQ(index.count(), 2U);
    const auto found = index.search(std::vector<float>{1, 0.5, -2}, {.limit = 2});
    EXPECT_NEAR(*found[0].score, 1, 1e-6);
    EXPECT_TRUE(
        same_value(found[0].value, Json::parse(R"({"id": 1, "in": {"n": 12345678901234567890.5}, "s": "}\"{"})")));
    EXPECT_TRUE(same_value(found[1].value, Json::parse(R"({"id": 2, "in": {}})")));
    const auto refused = [&](std::vector<std::string> more, int exit, const std::string& input) {
        std::vector<std::string> all = {"index", "add", "ready", "--vector", "v"};
        all.insert(all.end(), more.begin(), more.end());
        return error_on(server, all, exit, input).at("message").get<std::string>();
    };
    for (const std::string bad : {R"({"v":[]})", R"({"v":[1,"2",3]})", R"({"v":"1,2,3"})"}) {
        EXPECT_THAT(refused({}, 2, bad), HasSubstr("line 1: v is no vector: an array of numbers is needed"));
    }
    EXPECT_THAT(refused({}, 2, "{}"), HasSubstr("name another with --vector"));
    EXPECT_THAT(refused({"--text", "t"}, 2, "{}"), HasSubstr("give one of them"));
    EXPECT_THAT(refused({}, 4, R"({"v":[1,2]})"), HasSubstr("vectors of 3"));
    EXPECT_EQ(index.count(), 2U) << "nothing half written";
    std::string of_hashing = R"({"v":[1)";
    for (int i = 1; i < 64; ++i) of_hashing += ",0";
    document_on(server, with_embedder({"index", "add", "told", "--vector", "v"}), of_hashing + "]}");
    const json tables = document_on(server, {"index", "list"});
    EXPECT_THAT(tables.dump(), HasSubstr("hashing")) << "whose they are was told";
}

TEST_F(IndexCommand, skips_and_reports_what_it_cannot_take_when_it_is_told_to) {
    const std::string lines = R"({"id":1,"text":"one"})"
                              "\n{\n" +
                              std::string(5'000'000, 'x') + "\n" + R"({"id":1,"text":"one again"})" + "\n" +
                              R"({"id":2,"text":"two"})" + "\n" + R"({"id":3})";
    const Outcome run = run_on(server, with_embedder({"index", "add", "t", "--key", "id", "--skip", "--json"}), lines);
    EXPECT_EQ(run.exit, 1) << run.err;
    const json added = run.document();
    EXPECT_EQ(added.at("documents"), 2);
    std::vector<int> refused;
    for (const json& each : added.at("refused")) refused.push_back(each.at("line"));
    EXPECT_THAT(refused, ::testing::UnorderedElementsAre(2, 3, 4, 6)) << added;
    EXPECT_EQ(document_on(server, {"index", "count", "t"}).at("count"), 2);
    EXPECT_THAT(run_on(server, with_embedder({"index", "add", "t", "--key", "id", "--skip"}), lines).err,
                HasSubstr("line 3: longer than 4194304 bytes\n"));
}

TEST_F(IndexCommand, refuses_a_filter_on_a_member_that_no_document_has_and_lists_those_there_are) {
    add(server, {"tickets", "--key", "id"}, kTickets);
    for (const std::vector<std::string>& line : {std::vector<std::string>{"index", "count", "tickets"},
                                                 {"index", "list", "tickets"},
                                                 {"index", "remove", "tickets"},
                                                 with_embedder({"index", "search", "tickets", "q"})}) {
        std::vector<std::string> all = line;
        all.insert(all.end(), {"--where", "not (by.nam exists)"});
        const json error = error_on(server, all, 2);
        EXPECT_THAT(error.at("message").get<std::string>(),
                    AllOf(HasSubstr("has a member 'by.nam'"), HasSubstr("by, by.name, id, n, priority, status, tags")));
    }
    EXPECT_EQ(document_on(server, {"index", "count", "tickets", "--where", "tags[7] is null"}).at("count"), 3);
    EXPECT_THAT(error_on(server, {"index", "count", "tickets", "--where", "a b"}, 2).at("message").get<std::string>(),
                HasSubstr("from 'b' on"));
}

TEST_F(IndexCommand, an_index_that_is_not_there_is_an_error_that_lists_those_that_are) {
    add(server, {"tickets", "--key", "id"}, kTickets);
    for (const std::vector<std::string>& line : {std::vector<std::string>{"index", "count", "ticket"},
                                                 {"index", "list", "ticket"},
                                                 {"index", "wipe", "ticket"},
                                                 with_embedder({"index", "search", "ticket", "q"})}) {
        const json error = error_on(server, line, 1);
        EXPECT_EQ(error.at("code"), "not_found");
        EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr("there are tickets"));
    }
}

TEST_F(IndexCommand, says_by_which_options_another_embedder_is_named) {
    add(server, {"tickets"}, kTickets);
    for (const std::vector<std::string>& line : {std::vector<std::string>{"index", "search", "tickets", "q"},
                                                 {"index", "add", "tickets"},
                                                 {"index", "create", "tickets"}}) {
        std::vector<std::string> all = line;
        all.insert(all.end(), {"--embedder", "hashing", "--dimension", "32"});
        EXPECT_THAT(error_on(server, all, 4, R"({"text":"a"})").at("message").get<std::string>(),
                    HasSubstr("`--embedder hashing --dimension 64` names the embedder"));
    }
}

TEST_F(IndexCommand, lists_indexes_and_documents_page_by_page) {
    EXPECT_EQ(document_on(server, {"index", "list"}).at("indexes"), json::array());
    add(server, {"tickets"}, kTickets);
    const json indexes = document_on(server, {"index", "list"}).at("indexes");
    ASSERT_EQ(indexes.size(), 1U);
    EXPECT_EQ(indexes[0].at("table"), "tickets");
    EXPECT_EQ(indexes[0].at("documents"), 3);
    EXPECT_EQ(indexes[0].at("dimension"), 64);
    EXPECT_EQ(indexes[0].at("embedder"), "stele-hashing-v1-64");

    std::vector<json> seen;
    std::vector<std::string> page = {"index", "list", "tickets", "--limit", "2"};
    for (json after; page.size() < 20; page.insert(page.end(), {"--after", after.get<std::string>()})) {
        const json listed = document_on(server, page);
        for (const json& each : ids(listed.at("documents"))) seen.push_back(each);
        after = listed.at("next_after");
        if (after.is_null()) break;
        page.resize(5);
    }
    EXPECT_THAT(seen, ElementsAre("c", 2, 1));
    const Outcome text = run_on(server, {"index", "list", "tickets", "--show", "by.name", "--show", "n"});
    EXPECT_THAT(text.out, AllOf(HasSubstr("Ada"), HasSubstr("by.name"), Not(HasSubstr("priority"))));
    EXPECT_THAT(run_on(server, {"index", "list", "tickets", "--json"}).out, HasSubstr("12345678901234567890.5"));
}

TEST_F(IndexCommand, removes_by_id_by_filter_and_everything_by_explicit_word_only) {
    add(server, {"tickets"}, kTickets);
    const std::string id = search(server, {"tickets", "pay"})[0].at("id");
    EXPECT_EQ(error_on(server, {"index", "remove", "tickets"}, 2).at("code"), "invalid_argument");
    EXPECT_EQ(error_on(server, {"index", "remove", "tickets", "--where", " "}, 2).at("code"), "invalid_argument");
    EXPECT_EQ(document_on(server, {"index", "remove", "tickets", "--id", id}),
              json({{"dry_run", false}, {"removed", 1}}));
    EXPECT_EQ(run_on(server, {"index", "remove", "tickets", "--id", id}).exit, 1);
    const std::vector<std::string> closed = {"index", "remove", "tickets", "--where", "status = closed"};
    std::vector<std::string> dry = closed;
    dry.emplace_back("--dry-run");
    EXPECT_EQ(document_on(server, dry), json({{"dry_run", true}, {"removed", 1}}));
    EXPECT_EQ(document_on(server, closed).at("removed"), 1);
    EXPECT_EQ(document_on(server, {"index", "wipe", "tickets", "-n"}).at("removed"), 1);
    EXPECT_EQ(document_on(server, {"index", "wipe", "tickets"}).at("removed"), 1);
    EXPECT_EQ(document_on(server, {"index", "count", "tickets"}).at("count"), 0);
}

TEST_F(IndexCommand, makes_an_index_as_it_is_told_once) {
    const std::vector<std::string> create =
        with_embedder({"index", "create", "docs", "--ann", "hnsw", "--type", "halfvec", "--hnsw-m", "8"});
    EXPECT_EQ(document_on(server, create), json({{"table", "docs"},
                                                 {"created", true},
                                                 {"dimension", 64},
                                                 {"embedder", "stele-hashing-v1-64"},
                                                 {"type", "halfvec"},
                                                 {"ann", "hnsw"}}));
    EXPECT_EQ(document_on(server, create).at("created"), false);
    EXPECT_EQ(document_on(server, {"index", "create", "ready", "--vectors", "3"}).at("embedder"), nullptr);
    EXPECT_EQ(error_on(server, with_embedder({"index", "create", "x", "--vectors", "3"}), 2).at("code"),
              "invalid_argument");
}

TEST_F(IndexCommand, tells_what_an_answer_is_worth_and_how_it_was_found) {
    document_on(server, with_embedder({"index", "create", "t", "--ann", "hnsw", "--member", "status"}));
    add(server, {"t", "--key", "id"}, kTickets);
    const json all = document_on(server, with_embedder({"index", "search", "t", "parcel"}));
    EXPECT_EQ(all.at("completeness"), "exhausted");
    EXPECT_EQ(
        document_on(server, with_embedder({"index", "search", "t", "parcel", "-l", "2", "--exact"})).at("completeness"),
        "complete");
    const json plan =
        document_on(server, with_embedder({"index", "explain", "t", "parcel", "--where", "status = open", "--exact"}));
    EXPECT_EQ(plan.at("exact"), true);
    EXPECT_EQ(plan.at("found"), 2);
    EXPECT_THAT(plan.at("sql").get<std::string>(), AllOf(HasSubstr("SELECT"), Not(HasSubstr("open"))));
    EXPECT_FALSE(plan.at("plan").empty());
    EXPECT_THAT(run_on(server, with_embedder({"index", "explain", "t", "parcel"})).out, HasSubstr("3 documents"));

    const json recall = document_on(server, {"index", "recall-check", "t", "--queries", "5", "-l", "2"});
    EXPECT_EQ(recall.at("queries"), 3);
    EXPECT_EQ(recall.at("recall"), 1.0);
    EXPECT_EQ(run_on(server, {"index", "recall-check", "t", "--where", "status = open", "--at-least", "1"}).exit, 0);
}

TEST_F(IndexCommand, builds_what_is_missing_and_what_is_there_anew) {
    add(server, {"t", "--key", "id"}, kTickets);
    EXPECT_EQ(document_on(server, {"index", "list"}).at("indexes")[0].at("ann"), "none");
    const std::vector<std::string> missing = {"index", "rebuild", "t",        "--missing",
                                              "--ann", "hnsw",    "--member", "status"};
    EXPECT_EQ(document_on(server, missing).at("built").size(), 2U);
    EXPECT_EQ(document_on(server, {"index", "list"}).at("indexes")[0].at("ann"), "hnsw");
    EXPECT_EQ(document_on(server, missing).at("built"), json::array());
    EXPECT_EQ(document_on(server, {"index", "rebuild", "t"}).at("built").size(), 2U);
    EXPECT_EQ(run_on(server, {"index", "rebuild", "nowhere"}).exit, 1);
}

TEST_F(IndexCommand, keeps_a_folder_of_texts_and_embeds_only_what_changed) {
    const TemporaryDirectory place;
    const auto put = [&](const std::string& name, const std::string& text) {
        fs::create_directories((place.path() / name).parent_path());
        std::ofstream(place.path() / name, std::ios::binary) << text;
    };
    put("guide.md", "# Guide\n\nHow to begin.\n\n## Backup\n\nCopy the folder.\n\n## Restore\n\nCopy it back.\n");
    put("notes/a.txt", "plain words\n");
    put("code.cpp", "int main() {}\n");
    const std::vector<std::string> line = {"docs", place.path().string()};
    EXPECT_EQ(add(server, line).at("documents"), 4);
    const json found = search(server, {"docs", "Backup: copy the folder", "--limit", "1"});
    EXPECT_EQ(found[0].at("document"), json({{"path", "guide.md"},
                                             {"title", "Guide"},
                                             {"heading", "Guide > Backup"},
                                             {"position", 1},
                                             {"text", "Copy the folder."}}));
    EXPECT_THAT(run_on(server, {"index", "list", "docs"}).out, AllOf(HasSubstr("path"), HasSubstr("Guide > Restore")));

    put("guide.md", "# Guide\n\nHow to begin.\n\n## Backup\n\nCopy everything.\n");
    fs::remove(place.path() / "notes" / "a.txt");
    std::vector<std::string> dry = line;
    dry.insert(dry.end(), {"--prune", "--dry-run"});
    EXPECT_EQ(add(server, dry).at("removed"), 2);
    const json kept = add(server, line);
    EXPECT_EQ(kept.at("embedded"), 1);
    EXPECT_EQ(kept.at("removed"), 1);  // what stood behind the new end of guide.md
    EXPECT_EQ(document_on(server, {"index", "count", "docs"}).at("count"), 3);
    add(server, {"docs", place.path().string(), "--prefix", "other/"});
    std::vector<std::string> prune = line;
    prune.insert(prune.end(), {"--prune", "--prefix", "other/"});
    EXPECT_EQ(add(server, prune).at("removed"), 0);  // only what has the prefix
    prune.resize(3);
    EXPECT_EQ(add(server, prune).at("removed"), 3);
}

TEST_F(IndexCommand, refuses_a_folder_that_it_cannot_use) {
    const TemporaryDirectory place;
    const std::string folder = place.path().string();
    EXPECT_THAT(error_on(server, with_embedder({"index", "add", "t", folder}), 2).at("message").get<std::string>(),
                HasSubstr("has no text in files that end with .md, .markdown or .txt"));
    std::ofstream(place.path() / "a.md") << "\xFF\n";
    EXPECT_THAT(error_on(server, with_embedder({"index", "add", "t", folder}), 2).at("message").get<std::string>(),
                HasSubstr("UTF-8"));
    EXPECT_THAT(error_on(server, with_embedder({"index", "add", "t", folder, "--key", "id"}), 2)
                    .at("message")
                    .get<std::string>(),
                HasSubstr("--key is for JSON documents"));
    EXPECT_THAT(error_on(server, with_embedder({"index", "add", "t", "--prune"}), 2).at("message").get<std::string>(),
                HasSubstr("--prune is for a folder"));
}

TEST_F(IndexCommand, an_index_is_a_table_without_any_other_table_of_ours) {
    Server bare;
    Database database = bare.bare();
    database.execute(Statement("CREATE SCHEMA " + bare.schema()));
    add(bare, {"tickets"}, kTickets);
    EXPECT_THAT(ids(search(bare, {"tickets", "pay"}))[0], "c");
}

}  // namespace
}  // namespace stele::test
