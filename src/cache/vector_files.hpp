// A directory in which the processes of a host leave vectors for one another.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "cache/vector_file.hpp"
#include "cache/vector_memory.hpp"
#include "postgres/change_follower.hpp"

namespace stele {

/// Thread-safe. What cannot be read or written is left out, and said in the log: then the tables are read. One process
/// at a time writes a file. A thread writes what was loaded from tables, and every few minutes what has changed much.
class VectorFiles {
public:
    using Log = std::function<void(const std::string&)>;

    /// `whose`: what else the vectors depend on besides their namespace, their format and the server. All of it, and
    /// the directory, must outlive this but for the strings. Throws Error(invalid_argument) if there can be no such
    /// directory.
    VectorFiles(std::filesystem::path directory, std::string whose, ChangeFollower& follower, Log log);
    ~VectorFiles() { stop(); }
    VectorFiles(const VectorFiles&) = delete;
    VectorFiles& operator=(const VectorFiles&) = delete;

    /// Fills an empty space. Returns the questions whose rows are to be read again; nothing: it is still empty.
    std::optional<std::vector<std::string>> restore(const std::string& name_space, VectorSpace& space,
                                                    Deadline deadline) noexcept;
    /// Something was loaded from the tables: it is to be written soon. `memory` must outlive this.
    void loaded(VectorMemory& memory) STELE_EXCLUDES(mutex_);
    /// Writes what is worth it.
    void save(VectorMemory& memory) noexcept;
    void stop() noexcept STELE_EXCLUDES(mutex_);

private:
    void run(VectorMemory& memory) STELE_EXCLUDES(mutex_);
    void save(VectorMemory& memory, const VectorMemory::InMemory& one);
    std::string identity(const std::string& name_space, VectorFormat format, std::size_t dimension) const;
    std::filesystem::path path(const std::string& identity) const;

    const std::filesystem::path directory_;
    const std::string whose_;
    ChangeFollower& follower_;
    const Log log_;

    Mutex mutex_;
    Condition waits_;
    bool stopping_ STELE_GUARDED_BY(mutex_) = false, wanted_ STELE_GUARDED_BY(mutex_) = false;
    std::thread thread_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
