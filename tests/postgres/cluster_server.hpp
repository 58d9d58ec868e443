// The embedded cluster with a real server of its own, under a temporary directory.
#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "postgres/cluster_process.hpp"
#include "postgres/cluster_site.hpp"
#include "stele/cluster.hpp"
#include "stele/error.hpp"
#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline Deadline soon() {
    return Deadline::after(seconds(60));
}

/// The first value of a query's answer, or the error.
inline std::string ask(const Dsn& dsn, const std::string& sql) {
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& [keyword, value] : dsn.parameters()) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdbParams(keywords.data(), values.data(), 0),
                                                                  &PQfinish);
    if (PQstatus(connection.get()) != CONNECTION_OK) return PQerrorMessage(connection.get());
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()), &PQclear);
    if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return "done";
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return PQerrorMessage(connection.get());
    return PQntuples(result.get()) == 0 ? "no row" : PQgetvalue(result.get(), 0, 0);
}

/// With a cluster of its own, which is not created yet.
class ClusterServer : public testing::Test {
public:
    ClusterServer() {
        ::chmod(root_.c_str(), 0755);  // root's servers run as another account
        options_.directory = root_ / "base";
        options_.linger = seconds(1);
    }
    ~ClusterServer() override {
        try {
            Cluster::stop(options_, soon());
        } catch (const Error& error) {
            ADD_FAILURE() << error.what();
        }
        const fs::path sockets = Cluster::status(options_).socket_directory;
        std::error_code ignored;
        // where the library puts them when the path of the cluster is too long, whatever TMPDIR says
        if (sockets.parent_path() == "/tmp") fs::remove_all(sockets, ignored);
    }

protected:
    ClusterDirectory directory() const { return {Cluster::status(options_).directory}; }
    bool running() const { return Cluster::status(options_).running; }
    long server_pid() const { return Cluster::status(options_).pid; }
    /// In another process than that one. Of one look: two may fall before and behind the end of the old one.
    bool runs_anew(long old) const {
        const ClusterStatus status = Cluster::status(options_);
        return status.running && status.pid != old;
    }
    bool stopped() const {
        return look_at_server(directory()).state == ServerState::absent && !lock_is_held(directory().keeper_lock());
    }
    std::string log() const { return read_file(directory().log()); }

    pid_t keeper_pid() const {
        for (const auto& entry : fs::directory_iterator("/proc")) {
            const std::string arguments = read_file(entry.path() / "cmdline");
            const std::string expected = std::string("stele-keeper\0", 13) + directory().path.string();
            if (arguments.find(expected) != std::string::npos) return std::stoi(entry.path().filename().string());
        }
        return 0;
    }

    /// A user in a process of its own, which keeps the cluster until it is killed.
    ChildProcess user() const {
        return ChildProcess([options = options_](const ChildProcess::Say& say) {
            const Cluster cluster = Cluster::start(options);
            say("ready");
            for (;;) ::pause();
        });
    }

    std::string error_of_start(Deadline deadline = soon()) const {
        try {
            const Cluster cluster = Cluster::start(options_, deadline);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::cluster);
            return error.what();
        }
        return "it started";
    }

    TemporaryDirectory temporary_{place_of_data()};
    fs::path root_ = temporary_.path();
    ClusterOptions options_;
};

}  // namespace stele::test
