# embed_files(TARGET NAME FILES...): compiles the files into TARGET. "embedded/NAME.hpp" then declares
# std::span<const stele::EmbeddedFile> stele::NAME(), in the order given. Any bytes will do.
# Run as a script (cmake -DNAME= -DFILES= -DOUTPUT= -P), it writes that source file.

if(CMAKE_SCRIPT_MODE_FILE)
    set(constants "")
    set(entries "")
    set(index 0)
    foreach(file IN LISTS FILES)
        file(READ ${file} bytes HEX)
        # 32 bytes a line, each as \xNN
        string(REGEX REPLACE "(................................................................)" "\\1\"\n    \"" bytes "${bytes}")
        string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
        get_filename_component(name ${file} NAME)
        string(APPEND constants "    static constexpr char kFile${index}[] =\n    \"${bytes}\";\n")
        string(APPEND entries "        {\"${name}\", std::string_view(kFile${index}, sizeof kFile${index} - 1)},\n")
        math(EXPR index "${index} + 1")
    endforeach()
    file(WRITE ${OUTPUT} "// Generated from ${NAME}.
#include \"embedded/${NAME}.hpp\"

namespace stele {

std::span<const EmbeddedFile> ${NAME}() {
${constants}
    static constexpr EmbeddedFile kFiles[] = {
${entries}    };
    return kFiles;
}

}  // namespace stele
")
    return()
endif()

set(STELE_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(embed_files target name)
    set(directory ${PROJECT_BINARY_DIR}/generated)
    set(source ${directory}/embedded/${name}.cpp)
    list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/]" OUTPUT_VARIABLE files)
    file(CONFIGURE OUTPUT ${directory}/embedded/${name}.hpp @ONLY CONTENT "#pragma once
// Generated: files compiled into the library.
#include <span>

#include \"base/embedded_file.hpp\"

namespace stele {
std::span<const EmbeddedFile> ${name}();
}
")
    add_custom_command(OUTPUT ${source} VERBATIM
        COMMAND ${CMAKE_COMMAND} -DNAME=${name} "-DFILES=${files}" -DOUTPUT=${source} -P ${STELE_EMBED_SCRIPT}
        DEPENDS ${files} ${STELE_EMBED_SCRIPT} COMMENT "Embedding ${name}")
    # The rule is known in this folder only; the target may belong to another.
    add_custom_target(embed_${name} DEPENDS ${source})
    add_dependencies(${target} embed_${name})
    target_sources(${target} PRIVATE ${source})
    target_include_directories(${target} PRIVATE ${directory})
endfunction()
