# Warnings and sanitizers, for our own targets only.
add_library(stele_warnings INTERFACE)
target_compile_options(stele_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Wold-style-cast
    $<$<BOOL:${STELE_WERROR}>:-Werror>
    # GCC 12 sees an overlap in std::string's own code (gcc.gnu.org/PR105651)
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
    # and, optimizing, a string of more than all memory
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-stringop-overflow>
    # what is a source's own alone is not when several are compiled as one; scripts/lint has each by itself
    $<$<BOOL:${CMAKE_UNITY_BUILD}>:-Wno-shadow>
    $<$<AND:$<BOOL:${CMAKE_UNITY_BUILD}>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>
    # checks the annotations of base/mutex.hpp
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
# Boost 1.74 and 1.83 know Clang's coroutines by their experimental name only
target_compile_definitions(stele_warnings INTERFACE $<$<CXX_COMPILER_ID:Clang>:BOOST_ASIO_HAS_CO_AWAIT>)
if(STELE_SANITIZE)
    # GCC 12 sees ghosts in std::regex once a sanitizer has rewritten it
    target_compile_options(stele_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    set(STELE_SANITIZE_FLAGS -fsanitize=${STELE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    if(STELE_SANITIZE STREQUAL thread)
        # ThreadSanitizer knows no fences; Asio's own are only for handlers that share data without any lock
        list(APPEND STELE_SANITIZE_FLAGS -DBOOST_ASIO_DISABLE_FENCED_BLOCK)
    endif()
    add_compile_options(${STELE_SANITIZE_FLAGS})
    add_link_options(-fsanitize=${STELE_SANITIZE})
endif()
