<?php
// What came, as PHP understood it.
ini_set('serialize_precision', '-1');
header('Content-Type: application/json');
$files = [];
foreach ($_FILES as $name => $file) {
    $files[$name] = [
        'name' => $file['name'],
        'type' => $file['type'],
        'size' => $file['size'],
        'error' => $file['error'],
        'crc32' => $file['error'] === 0 ? hash_file('crc32b', $file['tmp_name']) : '',
    ];
}
echo json_encode([
    'get' => (object) $_GET,
    'post' => (object) $_POST,
    'cookie' => (object) $_COOKIE,
    'files' => (object) $files,
    'server' => array_intersect_key($_SERVER, array_flip([
        'REQUEST_METHOD', 'REQUEST_URI', 'QUERY_STRING', 'SCRIPT_NAME', 'SCRIPT_FILENAME', 'PATH_INFO', 'DOCUMENT_ROOT',
        'PHP_SELF', 'CONTENT_LENGTH', 'CONTENT_TYPE', 'REMOTE_ADDR', 'SERVER_NAME', 'SERVER_PORT', 'HTTP_PROXY', 'HTTP_X_FORWARDED_FOR',
        'PHP_AUTH_USER',
    ])),
    'body' => strlen(file_get_contents('php://input')),
]);
