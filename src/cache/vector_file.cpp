#include "cache/vector_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/checksum.hpp"
#include "base/file_descriptor.hpp"
#include "base/system.hpp"

namespace stele {
namespace {

constexpr std::array<char, 8> kMagic{'S', 't', 'e', 'l', 'e', 'V', 'e', 'c'};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::size_t kAlignment = 64;

struct Head {
    std::array<char, 8> magic = kMagic;
    std::uint32_t version = kVersion, byte_order = kByteOrder, format = 0, row_bytes = sizeof(StoredRow);
    std::uint64_t dimension = 0, rows = 0, meta_bytes = 0;
    std::uint64_t meta_sum = 0, row_sum = 0, vector_sum = 0;
    std::uint64_t sum = 0;  // of all before
    std::array<std::uint64_t, 6> reserved{};
};
static_assert(sizeof(Head) == 128 && sizeof(StoredRow) == 24);

std::uint64_t sum_of(const Head& head) {
    return Checksum::of(std::as_bytes(std::span(&head, 1)).first(offsetof(Head, sum)));
}

constexpr std::uint64_t padded(std::uint64_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void put(std::string& out, std::uint64_t number) {
    out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}
void put(std::string& out, std::string_view text) {
    put(out, text.size());
    out += text;
}

std::string encoded(const VectorFileMeta& meta) {
    std::string out;
    put(out, meta.identity);
    put(out, meta.position.incarnation);
    put(out, meta.position.standby ? 1 : 0);
    put(out, meta.position.removed);
    put(out, meta.position.snapshot.xmin);
    put(out, meta.position.snapshot.xmax);
    put(out, meta.position.snapshot.running.size());
    for (const std::uint64_t one : meta.position.snapshot.running) put(out, one);
    put(out, meta.stale.size());
    for (const std::string& hash : meta.stale) put(out, hash);
    return out;
}

/// Takes what encoded() wrote apart; bad() once it does not fit.
class MetaReader {
public:
    explicit MetaReader(std::string_view bytes) : left_(bytes) {}
    std::uint64_t number() {
        std::uint64_t number = 0;
        if (left_.size() < sizeof(number)) return bad_ = true, 0;
        std::memcpy(&number, left_.data(), sizeof(number));
        left_.remove_prefix(sizeof(number));
        return number;
    }
    std::string text() {
        const std::uint64_t size = number();
        if (size > left_.size()) return bad_ = true, std::string();
        std::string text(left_.substr(0, size));
        left_.remove_prefix(size);
        return text;
    }
    bool bad() const noexcept { return bad_; }
    bool whole() const noexcept { return !bad_ && left_.empty(); }

private:
    std::string_view left_;
    bool bad_ = false;
};

bool decode(std::string_view bytes, VectorFileMeta& meta) {
    MetaReader in(bytes);
    meta.identity = in.text();
    meta.position.incarnation = in.text();
    meta.position.standby = in.number() != 0;
    meta.position.removed = in.number();
    meta.position.snapshot.xmin = in.number();
    meta.position.snapshot.xmax = in.number();
    for (std::uint64_t left = in.number(); left > 0 && !in.bad(); --left) {
        meta.position.snapshot.running.push_back(in.number());
    }
    for (std::uint64_t left = in.number(); left > 0 && !in.bad(); --left) meta.stale.push_back(in.text());
    return in.whole();
}

tl::unexpected<ErrorInfo> useless(std::string_view why) {
    return fail(make_error(ErrorCode::invalid_argument, fmt::format("the file of vectors is {}", why)));
}

/// Collects small pieces; sums up what it writes.
class Output {
public:
    explicit Output(int file) : file_(file) {}
    void add(const void* bytes, std::size_t size) {
        buffer_.append(static_cast<const char*>(bytes), size);
        if (buffer_.size() >= kBuffer) flush(buffer_.size() / kAlignment * kAlignment);
    }
    /// Zeros up to the next part; returns the part's sum.
    std::uint64_t end_part() {
        flush(buffer_.size());
        const Checksum sum = std::exchange(sum_, {});
        write(std::string(padded(part_) - part_, '\0'));
        part_ = 0;
        return sum.value();
    }
    void write(std::string_view bytes) {
        while (!bytes.empty() && error_ == 0) {
            const ssize_t written = ::write(file_, bytes.data(), bytes.size());
            if (written < 0 && errno != EINTR) error_ = errno;
            if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    int error() const noexcept { return error_; }

private:
    static constexpr std::size_t kBuffer = std::size_t{1} << 20U;

    // whole steps of the sum, but for a part's end
    void flush(std::size_t bytes) {
        const std::string_view piece = std::string_view(buffer_).substr(0, bytes);
        sum_.add(std::as_bytes(std::span(piece)));
        part_ += bytes;
        write(piece);
        buffer_.erase(0, bytes);
    }

    int file_;
    int error_ = 0;
    std::string buffer_;
    Checksum sum_;
    std::uint64_t part_ = 0;
};

}  // namespace

Result<VectorFile> VectorFile::open(const std::filesystem::path& path, const RowFormat& format) {
    Result<MappedFile> mapped = MappedFile::open(path);
    if (!mapped) return fail(mapped.error());
    auto memory = std::make_shared<const MappedFile>(std::move(*mapped));
    const std::span<const std::byte> bytes = memory->bytes();
    return read(bytes, std::move(memory), format);
}

Result<VectorFile> VectorFile::read(std::span<const std::byte> bytes, std::shared_ptr<const void> memory,
                                    const RowFormat& format) {
    Head head;
    if (bytes.size() < sizeof(head)) return useless("too short");
    std::memcpy(&head, bytes.data(), sizeof(head));
    if (head.magic != kMagic || head.version != kVersion || head.byte_order != kByteOrder)
        return useless("of another kind");
    if (head.sum != sum_of(head)) return useless("damaged");
    if (head.format != static_cast<std::uint32_t>(format.format()) || head.dimension != format.dimension() ||
        head.row_bytes != sizeof(StoredRow)) {
        return useless("of another format");
    }
    // none of these can be more than the file is long, so that no sum overflows
    const std::uint64_t size = bytes.size();
    if (head.meta_bytes > size || head.rows > size / format.stride()) return useless("cut short");
    const std::uint64_t rows_at = sizeof(head) + padded(head.meta_bytes);
    const std::uint64_t vectors_at = rows_at + padded(head.rows * sizeof(StoredRow));
    if (vectors_at + head.rows * format.stride() != size) return useless("cut short");

    const auto meta = bytes.subspan(sizeof(head), head.meta_bytes);
    const auto rows = bytes.subspan(rows_at, head.rows * sizeof(StoredRow));
    const auto vectors = bytes.subspan(vectors_at);
    if (Checksum::of(meta) != head.meta_sum || Checksum::of(rows) != head.row_sum ||
        Checksum::of(vectors) != head.vector_sum) {
        return useless("damaged");
    }
    VectorFile file;
    if (!decode({reinterpret_cast<const char*>(meta.data()), meta.size()}, file.meta_)) return useless("damaged");
    file.rows_ = {reinterpret_cast<const StoredRow*>(rows.data()), head.rows};
    for (const StoredRow& row : file.rows_) {
        if (!(row.scale >= 0 && row.scale <= 1)) return useless("damaged");
    }
    file.vectors_ = vectors.data();
    file.memory_ = std::move(memory);
    return file;
}

Result<void> write_vector_file(const std::filesystem::path& path, const RowFormat& format, const VectorFileMeta& meta,
                               const FlatIndex::Picture& picture) {
    const std::filesystem::path unfinished = path.string() + ".new";
    const auto cannot = [&](int error) {
        ::unlink(unfinished.c_str());
        return fail(make_error(ErrorCode::invalid_argument,
                               fmt::format("cannot write {}: {}", path.string(), error_text(error))));
    };
    ::unlink(unfinished.c_str());  // somebody may have been killed over it
    const FileDescriptor file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return cannot(errno);

    Head head;
    head.format = static_cast<std::uint32_t>(format.format());
    head.dimension = format.dimension();
    Output out(file.get());
    out.write({reinterpret_cast<const char*>(&head), sizeof(head)});
    const std::string described = encoded(meta);
    head.meta_bytes = described.size();
    out.add(described.data(), described.size());
    head.meta_sum = out.end_part();
    picture.each([&](const StoredRow& row, const std::byte*) {
        out.add(&row, sizeof(row));
        ++head.rows;
    });
    head.row_sum = out.end_part();
    picture.each([&](const StoredRow&, const std::byte* vector) { out.add(vector, format.stride()); });
    head.vector_sum = out.end_part();
    head.sum = sum_of(head);
    if (out.error() != 0) return cannot(out.error());
    if (::pwrite(file.get(), &head, sizeof(head), 0) != static_cast<ssize_t>(sizeof(head))) return cannot(errno);
    if (::rename(unfinished.c_str(), path.c_str()) != 0) return cannot(errno);
    return {};
}

}  // namespace stele
