#include "stele/cluster.hpp"

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>

#include "base/file_lock.hpp"
#include "base/result.hpp"
#include "base/system.hpp"
#include "postgres/cluster_create.hpp"
#include "postgres/cluster_programs.hpp"
#include "postgres/cluster_run.hpp"
#include "postgres/cluster_site.hpp"
#include "postgres/cluster_takeover.hpp"

namespace stele {
inline namespace v0 {

struct Cluster::Impl {
    ClusterSite site;
    FileDescriptor users;
    Dsn dsn;

    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        // the time of the going; the lock is not undone but closed, since a forked child may go on with its copy
        if (users) ::futimens(users.get(), nullptr);
    }
};

}  // namespace v0

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// The keeper reads the seconds to linger from the lock file, and the time of the last coming or going from its own.
void sign_users_book(int book, std::chrono::seconds linger) {
    const std::string line = fmt::format("{:<10}\n", std::clamp<long long>(linger.count(), 0, 999'999'999));
    if (::pwrite(book, line.data(), line.size(), 0) < 0) {
        raise(ErrorCode::cluster, fmt::format("cannot write the cluster's users.lock: {}", error_text(errno)));
    }
}

// The right to make directories under a base. Its file says who has it, for the others' messages.
FileDescriptor lock_creation(const fs::path& base, const Account& owner, Deadline deadline) {
    const fs::path path = base / "create.lock";
    FileDescriptor file = open_lock(path, owner);
    if (!lock_file(file.get(), LOCK_EX, deadline, ErrorCode::cluster)) {
        raise(ErrorCode::cluster,
              fmt::format("process {} is still creating the cluster in {}: try again when it is done",
                          last_lines(read_file(path), 1), base.string()));
    }
    const std::string line = fmt::format("{:<10}\n", ::getpid());
    if (::pwrite(file.get(), line.data(), line.size(), 0) < 0) {
        raise(ErrorCode::cluster, fmt::format("cannot write {}: {}", path.string(), error_text(errno)));
    }
    return file;
}

ClusterFacts facts_of(const Programs& programs, const fs::path& base) {
    ClusterFacts facts;
    facts.preferred = programs.preferred;
    for (const auto& [major, directory] : programs.directories) facts.installed.push_back(major);
    facts.created = created_majors(base);
    return facts;
}

void fill_from(const ClusterHome& former, const ClusterHome& fresh, const Account& owner, int lock, Deadline deadline) {
    try {
        take_over(former, fresh, owner, lock, deadline);
    } catch (const Error& error) {
        raise(ErrorCode::cluster,
              fmt::format("cannot take over the data in {}: {}\nIt is unchanged; STELE_PG_BINDIR={} goes on with it",
                          former.directory.path.string(), error.what(), former.programs.string()));
    }
}

// Returns when the directory of the major in use is complete.
ClusterSite complete_site(const ClusterOptions& options, Deadline deadline) {
    const fs::path base = cluster_base(options);
    const Programs programs = find_programs(options.binaries, kInstalledMajors, own_servers());
    FileDescriptor creation;
    for (;;) {
        const ClusterPlan plan = plan_cluster(facts_of(programs, base));
        if (plan.step == ClusterStep::refuse) raise(ErrorCode::cluster, plan.refusal);
        ClusterSite site;
        site.directory = directory_of(base, plan.major);
        site.programs = programs.of(plan.major);
        site.owner = cluster_owner(options, directory_of(base, plan.from == 0 ? plan.major : plan.from).path);
        site.sockets = socket_directory(site.directory, site.owner.uid);
        if (plan.step == ClusterStep::use) return site;
        if (!creation) {
            make_directories(base);
            check_reachable(base, site.owner);
            creation = lock_creation(base, site.owner, deadline);
            continue;  // another may have made it meanwhile
        }
        NewDirectory::remove_leftovers(base);
        NewDirectory fresh(base, site.owner);
        initialise_cluster(fresh.path(), site.programs, site.owner, creation.get());
        const ClusterHome former{directory_of(base, plan.from), programs.of(plan.from)};
        if (plan.step == ClusterStep::take_over) {
            fill_from(former, {{fresh.path()}, site.programs}, site.owner, creation.get(), deadline);
        }
        fresh.publish(site.directory.path);
        if (plan.step == ClusterStep::take_over) mark_taken_over(former.directory, site.directory);
    }
}

}  // namespace

inline namespace v0 {

Cluster Cluster::start(const ClusterOptions& options, Deadline deadline) {
    auto impl = std::make_unique<Impl>();
    impl->site = complete_site(options, deadline);
    impl->users = open_lock(impl->site.directory.users_lock(), impl->site.owner);
    // held exclusively while the keeper stops the server for want of users
    if (!lock_file(impl->users.get(), LOCK_SH, deadline, ErrorCode::cluster)) {
        raise(ErrorCode::cluster, fmt::format("the PostgreSQL server in {} has not finished stopping in time",
                                              impl->site.directory.path.string()));
    }
    sign_users_book(impl->users.get(), options.linger);
    run_server(impl->site, deadline);
    impl->dsn =
        Dsn::of({{"host", impl->site.sockets.string()}, {"port", "5432"}, {"dbname", "stele"}, {"user", "stele"}});
    return Cluster(std::move(impl));
}

ClusterStatus Cluster::status(const ClusterOptions& options) {
    const fs::path base = cluster_base(options);
    const Programs programs = find_programs(options.binaries, kInstalledMajors, own_servers());
    const std::vector<int> created = created_majors(base);
    ClusterStatus status;
    status.created = !created.empty();
    status.major = status.created ? created.back() : 0;
    status.binaries = programs.of(status.created ? status.major : programs.preferred);
    const ClusterDirectory directory = directory_of(base, status.created ? status.major : programs.preferred);
    status.directory = directory.path;
    status.log = directory.log();
    // to another user a running server looks as if it did not run
    if (status.created && ::geteuid() != 0) cluster_owner(options, directory.path);
    struct stat owner{};
    const bool known = ::stat(directory.path.c_str(), &owner) == 0;
    status.socket_directory = socket_directory(directory, known ? owner.st_uid : ::geteuid());
    const ServerFacts server = look_at_server(directory);
    status.running = server.state == ServerState::ready;
    status.pid = server.pid;
    return status;
}

bool Cluster::stop(const ClusterOptions& options, Deadline deadline) {
    const fs::path base = cluster_base(options);
    bool ran = false;
    for (const int major : created_majors(base)) {
        const ClusterDirectory directory = directory_of(base, major);
        // to another user a running server looks as if it did not run
        if (::geteuid() != 0) cluster_owner(options, directory.path);
        ran = stop_server(directory, deadline) || ran;
    }
    return ran;
}

Cluster::Cluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cluster::Cluster(Cluster&&) noexcept = default;
Cluster& Cluster::operator=(Cluster&&) noexcept = default;

Cluster::~Cluster() = default;

const Dsn& Cluster::dsn() const noexcept {
    return impl_->dsn;
}

void Cluster::ensure_running(Deadline deadline) {
    run_server(impl_->site, deadline);
}

}  // namespace v0
}  // namespace stele
