// ArchiveReader: any bytes are refused, or are lines of known tables; what has a right end is accepted only as a whole.
#include <sstream>

#include "cache/archive_reader.hpp"
#include "fuzz.hpp"

namespace {

void read(const std::string& archive) {
    std::istringstream in(archive);
    const std::string name = "archive";
    const bool whole = accepts([&] {
        stele::ArchiveReader reader(in, name);
        while (const auto line = reader.next(true)) require(line->row.data() != nullptr && !line->row.empty());
        require(reader.manifest().all_rows() == reader.rows());
    });
    if (whole) require(archive.ends_with("}}\n"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(as_text(data, size));
    read(text);
    // the same as rows between a manifest and an end that fit
    stele::CacheManifest manifest;
    manifest.rows["entries"] = 1;
    std::string lines = stele::manifest_line(manifest) + text + "\n";
    stele::RunningSha256 sum;
    sum.add(lines);
    read(lines + stele::end_line(1, sum.hex()));
    return 0;
}
