#include <fmt/format.h>

#include <algorithm>

#include "postgres/big_endian.hpp"
#include "postgres/copy_format.hpp"

namespace stele {

void CopyDecoder::feed(std::string_view piece) {
    // what was read goes; the views into it have been given up
    buffer_.erase(0, start_);
    at_ -= start_;
    for (Place& place : places_) place.offset -= start_;
    start_ = 0;
    buffer_.append(piece);
}

Result<CopyDecoder::Step> CopyDecoder::next() {
    for (;;) {
        Result<Step> step = Step::more;
        const At before = state_;
        switch (state_) {
            case At::header: step = read_header(); break;
            case At::extension: step = read_extension(); break;
            case At::row: step = begin_row(); break;
            case At::field: return read_fields();
            case At::done: return has(1) ? malformed("something follows its trailer") : Step::done;
            case At::failed: return malformed("it was malformed before");
        }
        if (!step || state_ == before) return step;
    }
}

Result<void> CopyDecoder::end() const {
    if (state_ == At::done && !has(1)) return {};
    return fail(make_error(ErrorCode::server,
                           fmt::format("the binary COPY stream is cut off after {} rows; read it again", rows_)));
}

template <class T>
T CopyDecoder::read() {
    const T value = read_big_endian<T>(buffer_.data() + at_);
    at_ += sizeof(T);
    return value;
}

Result<CopyDecoder::Step> CopyDecoder::malformed(std::string what) {
    state_ = At::failed;
    return fail(make_error(ErrorCode::server,
                           fmt::format("the binary COPY stream is malformed after {} rows: {}", rows_, what)));
}

Result<CopyDecoder::Step> CopyDecoder::read_header() {
    constexpr std::uint32_t kHasOids = 0x10000;  // of servers before 12; the upper half are critical flags
    const std::size_t size = std::min(buffer_.size(), kCopySignature.size());
    if (std::string_view(buffer_).substr(0, size) != kCopySignature.substr(0, size)) {
        return malformed("it does not begin with the signature PGCOPY");
    }
    if (!has(kCopyHeader.size())) return Step::more;
    at_ += kCopySignature.size();
    const auto flags = read<std::uint32_t>();
    if ((flags & 0xffff'0000) != 0) {
        return malformed(fmt::format("its flags are {:#010x}{}; none is known", flags,
                                     (flags & kHasOids) != 0 ? " (it holds OIDs)" : ""));
    }
    const auto extension = read<std::int32_t>();
    if (extension < 0) return malformed(fmt::format("its header extension has {} bytes", extension));
    extension_ = static_cast<std::size_t>(extension);
    start_ = at_;
    state_ = At::extension;
    return Step::more;
}

Result<CopyDecoder::Step> CopyDecoder::read_extension() {
    // passed over as it comes, so that it is never held
    const std::size_t size = std::min(extension_, buffer_.size() - at_);
    at_ += size;
    start_ = at_;
    extension_ -= size;
    if (extension_ == 0) state_ = At::row;
    return Step::more;
}

Result<CopyDecoder::Step> CopyDecoder::begin_row() {
    start_ = at_;
    if (!has(2)) return Step::more;
    const auto count = read<std::int16_t>();
    if (count == -1) {
        state_ = At::done;
        start_ = at_;
        return Step::more;
    }
    if (count < 0 || static_cast<std::size_t>(count) != columns_) {
        return malformed(fmt::format("a row has {} fields, and there are {} columns", count, columns_));
    }
    places_.clear();
    state_ = At::field;
    return Step::more;
}

Result<CopyDecoder::Step> CopyDecoder::read_fields() {
    while (places_.size() < columns_) {
        if (length_ == kUnread) {
            if (!has(4)) return Step::more;
            const auto length = read<std::int32_t>();
            if (length < -1) return malformed(fmt::format("field {} has {} bytes", places_.size() + 1, length));
            length_ = length;
        }
        const std::size_t bytes = length_ < 0 ? 0 : static_cast<std::size_t>(length_);
        if (bytes > max_row_bytes_ || at_ - start_ + bytes > max_row_bytes_) {
            return malformed(fmt::format("a row has more than {} bytes", max_row_bytes_));
        }
        if (!has(bytes)) return Step::more;
        places_.push_back({at_, length_});
        at_ += bytes;
        length_ = kUnread;
    }
    return finish_row();
}

CopyDecoder::Step CopyDecoder::finish_row() {
    fields_.clear();
    for (const Place& place : places_) {
        const bool null = place.length < 0;
        fields_.push_back(
            {null ? nullptr : buffer_.data() + place.offset, null ? 0 : static_cast<std::size_t>(place.length)});
    }
    places_.clear();
    start_ = at_;
    ++rows_;
    state_ = At::row;
    return Step::row;
}

}  // namespace stele
