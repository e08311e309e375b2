<?php
// The front controller of a framework: it answers for all that is no file.
header('Cache-Control: no-store');
echo json_encode([
    'path' => parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH),
    'query' => $_GET,
    'script' => $_SERVER['SCRIPT_NAME'],
    'self' => $_SERVER['PHP_SELF'],
    'info' => $_SERVER['PATH_INFO'] ?? null,
    'method' => $_SERVER['REQUEST_METHOD'],
], JSON_INVALID_UTF8_SUBSTITUTE);
