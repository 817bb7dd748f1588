"""Malformed files for test_bad_input.py: make_files.py DIR SOMA writes them all into DIR. What is wrong with each stands
beside it; index.txt says what the command answers. Good files that the bad ones are made of begin with good_."""
import gzip, os, shutil, struct, subprocess, sys, zlib


def text(s):
    return s.encode()


ROWS = "".join(f"{i % 7},{i % 5}.5,{'ab'[i % 2]}\n" for i in range(40))
TABLES = {
    "good.csv": text("x,y,kind\n" + ROWS),
    "empty.csv": b"",
    "blank.csv": b"\n\n\n",
    "header_only.csv": text("x,y,kind\n"),
    "short_row.csv": text("x,y,kind\n" + ROWS + "1,2\n"),
    "long_row.csv": text("x,y,kind\n" + ROWS + "1,2,a,4\n"),
    "open_quote.csv": text("x,y,kind\n" + ROWS + '1,"2,a\n'),
    "text_after_quote.csv": text("x,y,kind\n" + ROWS + '1,2,"a"b\n'),
    "not_utf8.csv": text("x,y,kind\n" + ROWS) + b"1,2,caf\xe9\n",
    "utf16.csv": "x,y,kind\n1,2,a\n".encode("utf-16"),
    "zero_byte.csv": text("x,y,kind\n" + ROWS) + b"1,2,a\0b\n",
    "text_in_numbers.csv": text("x,y,kind\n" + ROWS + "1,zwei,a\n"),
    "infinite.csv": text("x,y,kind\n" + ROWS + "1,1e999,a\n"),
    "two_columns_of_one_name.csv": text("x,x,kind\n" + ROWS),
    "one_column.csv": text("x\n1\n2\n3\n"),
    "one_class.csv": text("x,y,kind\n" + "".join(f"{i},{i * 2 % 5},a\n" for i in range(20))),
    "no_target_values.csv": text("x,y,kind\n" + "".join(f"{i},{i * 3 % 7},\n" for i in range(20))),
    "constant_target.csv": text("x,y\n" + "".join(f"{i * 3 % 17},4.5\n" for i in range(20))),
    "all_constant.csv": text("x,y,kind\n" + "".join(f"1,2,{'ab'[i % 2]}\n" for i in range(20))),
    "one_row.csv": text("x,y,kind\n1,2,a\n"),
    "two_rows.csv": text("x,y,kind\n1,2,a\n2,3,b\n"),
    "other_columns.csv": text("x,z,kind\n1,2,a\n2,3,b\n"),
    "unknown_class.csv": text("x,y,kind\n1,2,a\n2,3,c\n"),
    "without_target.csv": text("x,y\n1,2\n2,3\n"),
    "truth_missing.csv": text("x,y,kind\n1,2,a\n2,3,\n"),
    "binary.csv": bytes(range(256)) * 4,
    "cut.csv.gz": gzip.compress(text("x,y,kind\n" + ROWS))[:60],
}


def idx(magic, *dims, data=b""):
    return struct.pack(">I", magic) + b"".join(struct.pack(">I", d) for d in dims) + data


def with_labels(name, pictures, labels=idx(0x801, 2, data=b"\0\1")):
    return {f"{name}-images-idx3-ubyte": pictures, f"{name}-labels-idx1-ubyte": labels}


GOOD_PICTURES = idx(0x803, 2, 4, 4, data=bytes(32))
PICTURES = {
    **with_labels("good_idx", GOOD_PICTURES),
    **with_labels("cut", GOOD_PICTURES[:-1]),
    **with_labels("header_cut", GOOD_PICTURES[:7]),
    **with_labels("more", GOOD_PICTURES + b"x"),
    **with_labels("claims_much", idx(0x803, 0xFFFFFFFF, 0xFFFF, 0xFFFF)),
    **with_labels("no_pictures", idx(0x803, 0, 28, 28)),
    **with_labels("no_pixels", idx(0x803, 2, 0, 28)),
    **with_labels("floats", idx(0xD03, 2, 4, 4, data=bytes(128))),
    **with_labels("five_dimensions", idx(0x805, 1, 1, 1, 1, 1, data=b"x")),
    **with_labels("fewer_labels", GOOD_PICTURES, idx(0x801, 1, data=b"\0")),
    **with_labels("labels_cut", GOOD_PICTURES, idx(0x801, 2, data=b"\0")),
    **with_labels("labels_are_pictures", GOOD_PICTURES, GOOD_PICTURES),
    "lonely-images-idx3-ubyte": GOOD_PICTURES,
    "cut_gzip-images-idx3-ubyte.gz": gzip.compress(GOOD_PICTURES)[:-9],
    "bad_gzip-images-idx3-ubyte.gz": gzip.compress(bytes(range(256)) * 9)[:30] + b"\xff" * 40,
    "bomb-images-idx3-ubyte.gz": gzip.compress(idx(0x803, 60000, 4000, 4000) + bytes(100000)),
    "cifar_cut.bin": bytes(3073 + 100),
    "cifar_label.bin": b"\x63" + bytes(3072),
}


def npy(header, data=b"", version=b"\1\0"):
    head = header.encode() + b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(head)) + head + data


def npy_of(descr="'<f4'", order="False", shape="(2, 2)", data=bytes(16)):
    return npy(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}", data)


ARRAYS = {
    "good.npy": npy_of(),
    "empty.npy": b"",
    "magic_only.npy": b"\x93NUMPY",
    "version.npy": npy("{}", version=b"\x09\0"),
    "header_cut.npy": npy_of()[:40],
    "cut.npy": npy_of()[:-1],
    "more.npy": npy_of() + b"xx",
    "objects.npy": npy_of(descr="'|O'"),
    "complex.npy": npy_of(descr="'<c8'", data=bytes(32)),
    "no_header.npy": npy("not a dictionary"),
    "no_shape.npy": npy("{'descr': '<f4', 'fortran_order': False, }"),
    "negative.npy": npy_of(shape="(-2, 2)"),
    "claims_much.npy": npy_of(shape="(99999999999, 99999999999)"),
    "claims_gigabytes.npy": npy_of(shape="(1000000000, 4)"),
    "nine_dimensions.npy": npy_of(shape="(1, 1, 1, 1, 1, 1, 1, 1, 1)", data=bytes(4)),
    "scalar.npy": npy_of(shape="()", data=bytes(4)),
    "words.npy": npy_of(shape="('a', 'b')"),
    "cut.npz": b"PK\3\4" + bytes(20),
    "empty.npz": b"PK\5\6" + bytes(18),
    "no_zip.npz": b"this is no archive",
}


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width=4, height=4, data=None, head=None):
    data = zlib.compress(b"".join(b"\0" + bytes(4) for _ in range(4))) if data is None else data
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head or struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def folder(name, bad, ending="png"):
    return {f"{name}/a/1.png": png(), f"{name}/b/2.{ending}": bad}


FOLDERS = {
    **folder("good_folder", png()),
    **folder("png_cut", png()[:60]),
    **folder("png_empty", b""),
    **folder("png_is_text", b"this is no picture"),
    **folder("png_claims_much", png(2000000000, 2000000000)),
    **folder("png_no_size", png(0, 4)),
    **folder("png_bad_checksum", png()[:29] + b"xxxx" + png()[33:]),
    **folder("png_bad_data", png(data=b"\xff" * 20)),
    **folder("jpeg_cut", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1", "jpg"),
    **folder("jpeg_empty", b"\xff\xd8\xff\xd9", "jpg"),
    "one_class/a/1.png": png(),
    "one_class/a/2.png": png(),
    "no_classes/1.png": png(),
    "empty_class/a/1.png": png(),
    "empty_class/b/notes.txt": b"nothing",
    "deep/a/b/1.png": png(),
}


def damage(folder, soma):
    """Models and run folders made of a good one."""
    good = f"{folder}/good_run"
    subprocess.run([soma, "train", f"{folder}/good.csv", "--epochs", "2", "--threads", "1", "--net", "dense 4 relu", "--out", good],
                   check=True, capture_output=True)
    model = open(good + "/model.onnx", "rb").read()

    def put(name, data):
        with open(f"{folder}/{name}", "wb") as f:
            f.write(data)

    put("empty.onnx", b"")
    put("text.onnx", b"this is no model at all, but text that goes on for a while")
    put("cut.onnx", model[:len(model) // 2])
    put("cut_at_the_end.onnx", model[:-3])
    put("more.onnx", model + b"\xff\xff\xff\xff\xff\xff\xff\xff")
    put("zeros.onnx", bytes(500))
    put("operator.onnx", model.replace(b"\x22\x04Gemm", b"\x22\x04Gexx").replace(b"\x22\x06MatMul", b"\x22\x06MaxMul"))
    put("metadata.onnx", model.replace(b'{"version": 1', b'{"versixn": 1'))
    put("metadata_is_no_json.onnx", model.replace(b'{"version"', b'("version"'))
    put("later_version.onnx", model.replace(b'{"version": 1', b'{"version": 9'))
    put("fewer_classes.onnx", model.replace(b'"classes": ["a", "b"]', b'"classes": ["a b" ]  '))
    put("no_columns.onnx", model.replace(b'"position": 1', b'"position": x'))
    put("length.onnx", model[:2] + b"\xff\xff\xff\xff\x0f" + model[7:])
    run = {name: open(f"{good}/{name}", "rb").read() for name in os.listdir(good)}
    state = run["checkpoint.safetensors"]
    size = struct.unpack("<Q", state[:8])[0]
    head = state[8:8 + size]

    def put_run(name, checkpoint, **more):
        os.makedirs(f"{folder}/{name}")
        for file, data in {**run, "checkpoint.safetensors": checkpoint, **more}.items():
            if file != "checkpoint.previous.safetensors" and data is not None:
                put(f"{name}/{file}", data)

    def headed(new):
        return struct.pack("<Q", len(new)) + new + state[8 + size:]

    put_run("run_cut", state[:len(state) // 2])
    put_run("run_empty", b"")
    put_run("run_text", b"this is no checkpoint, but a text")
    put_run("run_huge_header", b"\xff" * 7 + b"\x7f" + state[8:])
    put_run("run_no_json", headed(b"{" * len(head)))
    put_run("run_list", headed(b"[]"))
    put_run("run_more", state + b"x")
    put_run("run_offsets", headed(head.replace(b'"data_offsets":[0,', b'"data_offsets":[4,', 1)))
    put_run("run_type", headed(head.replace(b'"F32"', b'"F16"')))
    put_run("run_version", headed(head.replace(b'"soma.checkpoint":"', b'"soma.checkpoint":"9', 1)))
    put_run("run_foreign", headed(head.replace(b'"soma.checkpoint"', b'"else.checkpoint"', 1)))
    put_run("run_epoch", headed(head.replace(b'"soma.epoch":"', b'"soma.epoch":"-', 1)))
    put_run("run_step", headed(head.replace(b'"soma.step":"0"', b'"soma.step":"999999"', 1)))
    put_run("run_option", headed(head.replace(b'"soma.option.net":"dense 4', b'"soma.option.net":"dens  4', 1)))
    put_run("run_net", headed(head.replace(b'"soma.option.net":"dense 4', b'"soma.option.net":"dense 5', 1)))
    put_run("run_fingerprint", headed(head.replace(b'"soma.fingerprint":"', b'"soma.fingerprint":"0', 1)))
    put_run("run_lost_data", headed(head.replace(b"good.csv", b"gone.csv")))
    put_run("run_tensor", headed(head.replace(b'"last.dense1.weight"', b'"last.dense1.xeight"', 1)))
    put_run("run_without_checkpoint", None)
    put_run("run_metrics_only", None, **{"model.onnx": None})
    put_run("run_cut_model", state, **{"model.onnx": model[:100]})


def main(target, soma):
    for name, data in {**TABLES, **PICTURES, **ARRAYS, **FOLDERS}.items():
        path = f"{target}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
    os.makedirs(f"{target}/empty_folder", exist_ok=True)
    damage(target, soma)


if __name__ == "__main__":
    main(*sys.argv[1:])
