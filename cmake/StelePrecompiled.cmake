# stele_precompile(TARGET [HEADER...]): what most sources include is read once for the whole target.
#
# A source still names all that it uses: clang-tidy reads src, cli and bench without these (the preset lint).
set(STELE_COMMON_HEADERS <algorithm> <array> <atomic> <charconv> <chrono> <filesystem> <fstream> <functional> <map>
    <memory> <mutex> <optional> <set> <span> <sstream> <string> <string_view> <thread> <unordered_map> <utility> <vector>
    <fmt/format.h>)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    # GCC would instantiate their templates again in every source, which takes longer than reading them
    list(APPEND STELE_COMMON_HEADERS <fmt/chrono.h> <fmt/ranges.h> <nlohmann/json.hpp>)
endif()

function(stele_precompile target)
    target_precompile_headers(${target} PRIVATE ${ARGN} ${STELE_COMMON_HEADERS})
    # without it, ccache would take every build's header for a new one
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
endfunction()
