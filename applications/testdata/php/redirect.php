<?php
// Redirects, as after a form, and sets a cookie on the way.
setcookie('done', '1');
header('Location: /form.php?done', true, (int) ($_GET['code'] ?? 302));
exit;
