#include "cache/access_writer.hpp"

#include <fmt/format.h>

#include "base/result.hpp"
#include "postgres/database_impl.hpp"
#include "stele/async.hpp"

namespace stele {

struct AccessWriter::UnderWay {
    Mutex mutex;
    Condition over;
    bool any STELE_GUARDED_BY(mutex) = false;

    bool begin() {
        MutexLock lock(mutex);
        return !std::exchange(any, true);
    }
    void end() noexcept {
        MutexLock lock(mutex);
        any = false;
        over.notify_all();
    }
};

// It may outlive the writer.
class AccessWriter::Write final : public AsyncCall {
public:
    Write(Statement statement, std::shared_ptr<UnderWay> under_way)
        : AsyncCall(std::move(statement)), under_way_(std::move(under_way)) {}

private:
    void done(std::exception_ptr, std::vector<Rows>) noexcept override { under_way_->end(); }

    const std::shared_ptr<UnderWay> under_way_;
};

AccessWriter::AccessWriter(Database& database, const CacheSql& sql)
    : database_(database), sql_(sql), under_way_(std::make_shared<UnderWay>()) {}
AccessWriter::~AccessWriter() = default;

void AccessWriter::accessed(std::int64_t id) noexcept {
    try {
        const auto now = BootClock::now();
        if (!log_.note(id, now) || !database_.impl().lanes || !under_way_->begin()) return;
        const AccessLog::Batch batch = log_.take(now);
        const Statement touch(sql_.touch, batch.ids, batch.times, batch.seconds_ago);
        std::make_shared<Write>(touch, under_way_)->start(database_);
    } catch (const std::exception& error) {
        database_.impl().log(LogLevel::warning,
                             fmt::format("accesses of the cache's entries could not be noted: {}", error.what()));
        under_way_->end();
    }
}

void AccessWriter::flush(Deadline deadline) {
    {
        MutexLock lock(under_way_->mutex);
        while (under_way_->any) {
            if (deadline.is_never()) {
                under_way_->over.wait(under_way_->mutex);
            } else if (under_way_->over.wait_until(under_way_->mutex, deadline.point()) == std::cv_status::timeout) {
                raise(ErrorCode::deadline_exceeded, "the deadline passed while accesses of entries were being noted");
            }
        }
    }
    const AccessLog::Batch batch = log_.take(BootClock::now());
    if (batch.empty()) return;
    database_.execute(Statement(sql_.touch, batch.ids, batch.times, batch.seconds_ago), deadline);
}

}  // namespace stele
