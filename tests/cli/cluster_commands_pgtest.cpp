// up, status and down with a cluster of their own. Needs minilm, which scripts/setup installs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "cli/stele_command.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

/// With a server in it that is stopped at the end.
class DataDirectory {
public:
    DataDirectory() {
        std::string name = (fs::temp_directory_path() / "stele cli.XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path_ = name;
        fs::permissions(path_, fs::perms(0755));  // the account that runs the server for root must enter
    }
    DataDirectory(const DataDirectory&) = delete;
    DataDirectory& operator=(const DataDirectory&) = delete;
    ~DataDirectory() {
        run({"down"});
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    /// In JSON, in an environment that names a server nobody should use.
    Outcome run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"--data-dir", (path_ / "data").string(), "--json"});
        return run_stele(arguments, {{"PGHOST", "/nowhere"}, {"POSTGRES_PORT", "1"}});
    }
    fs::path data() const { return path_ / "data"; }

private:
    fs::path path_;
};

TEST(ClusterCommands, up_status_use_and_down) {
    const DataDirectory directory;
    const Outcome nothing = directory.run({"status"});
    EXPECT_EQ(nothing.exit, 1) << nothing.err;
    EXPECT_EQ(nothing.document().at("created"), false);
    EXPECT_FALSE(fs::exists(directory.data())) << "status created something";

    const Outcome up = directory.run({"up"});
    ASSERT_EQ(up.exit, 0) << up.err;
    const json started = up.document();
    EXPECT_EQ(started.at("started"), true);
    EXPECT_GT(started.at("pid"), 0);
    EXPECT_EQ(started.at("linger_seconds"), nullptr);
    EXPECT_EQ(directory.run({"up"}).document().at("started"), false);

    const Outcome status = directory.run({"status"});
    EXPECT_EQ(status.exit, 0) << status.err;
    const json running = status.document();
    EXPECT_EQ(running.at("running"), true);
    EXPECT_EQ(running.at("pid"), started.at("pid"));
    EXPECT_EQ(running.at("used_by_default"), true) << "--data-dir beats the environment";
    EXPECT_GT(running.at("bytes"), 1'000'000);
    EXPECT_THAT(running.at("server_version").get<std::string>(), HasSubstr(running.at("major").dump()));

    // the tables are made by the first use, and the local model is used without asking for it
    const Outcome put = directory.run({"cache", "put", "q", "r"});
    EXPECT_EQ(put.exit, 0) << put.err;
    EXPECT_EQ(put.document().at("layers"), json({"exact", "semantic"}));
    EXPECT_EQ(directory.run({"cache", "get", "q"}).document().at("response"), "r");
    const Outcome doctor = directory.run({"doctor"});
    EXPECT_EQ(doctor.exit, 0) << doctor.out;
    EXPECT_EQ(doctor.document().at("failures"), 0);
    EXPECT_EQ(doctor.document().at("warnings"), 0) << doctor.out;

    // the connection string is one that libpq understands, blanks and all
    const Outcome other = run_stele({"cache", "get", "q", "--dsn", started.at("dsn"), "--json"});
    EXPECT_EQ(other.exit, 0) << other.err;

    const Outcome down = directory.run({"down"});
    EXPECT_EQ(down.exit, 0) << down.err;
    EXPECT_EQ(down.document().at("stopped"), true);
    const Outcome again = directory.run({"down"});
    EXPECT_EQ(again.exit, 0);
    EXPECT_EQ(again.document().at("stopped"), false);
    const Outcome after = directory.run({"status"});
    EXPECT_EQ(after.exit, 1);
    EXPECT_EQ(after.document().at("created"), true);
    EXPECT_EQ(after.document().at("running"), false);
}

TEST(ClusterCommands, a_directory_that_cannot_be_made_is_one_clear_error) {
    const Outcome run = run_stele({"up", "--data-dir", "/proc/nowhere", "--json"});
    EXPECT_EQ(run.exit, 3);
    EXPECT_EQ(run.error().at("code"), "cluster");
    EXPECT_THAT(run.error().at("message").get<std::string>(), HasSubstr("STELE_DATA_DIR"));
}

}  // namespace
}  // namespace stele::test
